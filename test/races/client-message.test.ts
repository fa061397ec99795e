import { expect, it } from 'vitest';
import { sendToClient } from '../../lib/broker/send-to-client.ts';
import { crashUnderSeeds, exploreRandomly, type Scenario, schedules } from './explore.ts';
import { checkArrival } from './invariants.ts';
import type { World } from './world.ts';

const names = ['one', 'two'];

/**
 * An operator's messages to one client under names. The operator repeats a call whose answer was
 * lost.
 */
class Operator {
  readonly #world: World;
  readonly #qos: 1 | 2;
  readonly unanswered = new Set(names);
  readonly answers: string[] = [];

  constructor(world: World, qos: 1 | 2) {
    this.#world = world;
    this.#qos = qos;
  }

  call(times: number): void {
    for (const name of [...this.unanswered])
      for (let time = 0; time < times; time += 1) {
        const answered = this.#world.call(`operator ${name}`, async (context) => {
          const { tenant } = this.#world;
          const live = await context.tenants.readLive(tenant, true);
          if (live === undefined) throw new Error('no tenant');
          return sendToClient(
            context,
            { tenant, clientId: 'sub' },
            live,
            { permissions: [{ effect: 'allow', action: 'publish', filter: '#' }] },
            {
              topic: 'commands/x',
              payload: new TextEncoder().encode(name),
              qos: this.#qos,
              retain: false,
              properties: {},
            },
            `admin:${name}`,
          );
        });
        answered.then(
          (outcome) => {
            this.unanswered.delete(name);
            this.answers.push(outcome.kind);
          },
          () => undefined,
        );
      }
  }
}

function scenario(qos: 1 | 2, times: number): Scenario {
  let operator: Operator | undefined;
  return {
    async prepare(world) {
      world.client({ id: 'sub' });
      await world.settle();
      operator = new Operator(world, qos);
    },
    race(world, random) {
      operator?.call(times);
      // The client may be away meanwhile.
      const socket = world.clients[0]?.socket;
      if (socket !== undefined && random() < 0.5)
        world.events.push({ actor: 'network', label: 'fails', run: () => world.lose(socket) });
    },
    async afterwards(world) {
      for (let round = 0; round < 5 && (operator?.unanswered.size ?? 0) > 0; round += 1) {
        world.advance(40_000);
        operator?.call(1);
        await world.settle();
      }
      world.advance(120_000);
      for (const client of world.clients) client.connect();
      await world.settle();
    },
    check(world) {
      for (const answer of operator?.answers ?? [])
        if (answer !== 'queued') world.violation(`an answer is ${answer}`);
      for (const client of world.clients)
        for (const name of names) checkArrival(world, client, name, { qos });
    },
  };
}

it.each([1, 2] as const)(
  'a call stopped anywhere and repeated, QoS %i: the client gets each message, at QoS 2 once',
  async (qos) => {
    const count = await crashUnderSeeds(() => scenario(qos, 1), schedules / 15);
    expect(count).toBeGreaterThan(20);
  },
  240_000,
);

it.each([1, 2] as const)('two calls with one name at once, QoS %i', async (qos) => {
  await exploreRandomly(scenario(qos, 2), Math.ceil(schedules / 4));
});
