import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDynamoClient } from '../../lib/aws/dynamodb.ts';
import { localCredentials } from '../../lib/aws/settings.ts';
import { type Engine, openEngine } from '../../lib/local/dynamodb/index.ts';
import { tableSchemas } from '../../lib/store/schema.ts';
import type { Command } from './memory-dynamo.ts';
import { memoryTables } from './memory-dynamo.ts';
import { randomly } from './scheduler.ts';
import { World } from './world.ts';

/**
 * Records whole schedules, with every command and answer of the in-memory store, and replays the
 * commands on the embedded engine, whose answers must be equal.
 */
describe('the store in memory answers like the embedded engine', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine();
  });
  afterAll(() => engine.close());

  it.each([1, 2, 3, 4, 5, 6])('schedule %i', async (seed) => {
    const calls: { command: Command; answer: unknown }[] = [];
    await play(seed, (command, run) => {
      try {
        const answer = run();
        calls.push({ command, answer });
        return answer;
      } catch (error) {
        calls.push({ command, answer: (error as Error).name });
        throw error;
      }
    });
    expect(calls.length).toBeGreaterThan(100);

    const names = Object.fromEntries(
      Object.entries(memoryTables).map(([kind, name]) => [kind, `${name}-${seed}`]),
    ) as typeof memoryTables;
    await engine.createTables(tableSchemas, names);
    const client = createDynamoClient({
      region: 'us-east-1',
      credentials: localCredentials,
      requestHandler: engine.requestHandler,
    });
    for (const { command, answer } of calls) {
      const renamed = rename(command, seed);
      const theirs = await (client.send(renamed as never) as Promise<unknown>).catch(
        (error: Error) => error.name,
      );
      expect(plain(theirs, seed), command.constructor.name).toEqual(plain(answer, seed));
    }
  });
});

async function play(seed: number, record: (command: Command, run: () => object) => object): Promise<void> {
  const world = new World({
    seed,
    observe: record,
    settings: { maxQueuedMessages: 5 },
  });
  const subscriber = world.client({ id: 'sub', receiveMaximum: seed % 2 === 0 ? 65_535 : 2 });
  const publisher = world.client({ id: 'pub', will: { topic: 'a/b', text: 'gone' } });
  await world.settle();
  subscriber.subscribe('a/+', 2);
  subscriber.subscribe('$share/g/c', 1);
  await world.settle();
  world.scheduler.chooser = randomly(seed);
  for (let number = 1; number <= 4; number += 1) {
    publisher.publish('a/b', `pub:${number}`, 2, { retain: true });
    publisher.publish('c', `pub:${number}`, 1);
    if (number === 2) subscriber.connect();
    if (number === 3 && subscriber.socket !== undefined) world.lose(subscriber.socket);
    await world.scheduler.run();
  }
  subscriber.unsubscribe('a/+');
  publisher.disconnect();
  subscriber.cleanStart = true;
  subscriber.connect();
  await world.settle();
  expect(world.errors).toEqual([]);
}

function rename(command: Command, seed: number): Command {
  const input = command.input as { TableName?: string; RequestItems?: Record<string, unknown> };
  const Kind = command.constructor as new (input: object) => Command;
  if (input.RequestItems !== undefined)
    return new Kind({
      ...input,
      RequestItems: Object.fromEntries(
        Object.entries(input.RequestItems).map(([name, value]) => [`${name}-${seed}`, value]),
      ),
    });
  return new Kind({ ...input, TableName: `${input.TableName}-${seed}` });
}

/** The part of an answer that lib/store reads; sets and batches are unordered. */
function plain(answer: unknown, seed: number): unknown {
  if (typeof answer === 'string') return answer;
  const { Item, Attributes, Items, Count, LastEvaluatedKey, Responses } = answer as Record<string, unknown>;
  const batches = Object.entries((Responses ?? {}) as Record<string, unknown[]>).map(([name, rows]) => [
    name.replace(`-${seed}`, ''),
    rows.map((row) => JSON.stringify(sorted(row))).sort(),
  ]);
  return JSON.parse(
    JSON.stringify(
      sorted({ Item, Attributes, Items, Count, LastEvaluatedKey, batches: Object.fromEntries(batches) }),
    ),
  );
}

function sorted(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, inner]) => [
        name,
        (name === 'NS' || name === 'SS') && Array.isArray(inner) ? [...inner].sort() : sorted(inner),
      ]),
  );
}
