import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { version } from '../../lib/store/attributes.ts';
import { copyKey, liveCopies } from '../../lib/store/tenant-live.ts';
import { crashUnderSeeds, type Scenario, schedules } from './explore.ts';
import { memoryTables } from './memory-dynamo.ts';
import type { World } from './world.ts';

const texts = ['one', 'two', 'three'];

/** A tenant with a rule for `a/+`. */
function storeRule({ db, tenant }: World): void {
  for (let copy = 0; copy < liveCopies; copy += 1)
    db.run(
      new UpdateItemCommand({
        TableName: memoryTables.tenants,
        Key: copyKey(tenant, copy),
        UpdateExpression: 'ADD shapes :shape',
        ExpressionAttributeValues: { ':shape': { SS: ['=/+'] } },
      }),
    );
  db.run(
    new PutItemCommand({
      TableName: memoryTables.subscriptions,
      Item: { filter: { S: `${tenant}/a/+` }, client: { S: '!rule#r' }, lane: { S: 'common' }, v: version },
    }),
  );
}

/** A publisher whose messages fire a rule; it publishes again what nobody acknowledges. */
function scenario(qos: 1 | 2): Scenario {
  return {
    async prepare(world) {
      storeRule(world);
      world.client({ id: 'pub' });
      await world.settle();
    },
    race({ clients: [publisher] }) {
      for (const text of texts) publisher?.publish('a/b', text, qos);
    },
    async afterwards(world) {
      world.advance(120_000);
      for (const client of world.clients) client.connect();
      await world.settle();
    },
    check(world) {
      for (const text of texts) {
        const records = world.ruleRecords.filter(
          ({ message }) => new TextDecoder().decode(message.payload) === text,
        );
        // What the rule queue knows a repetition by.
        const ids = new Set(records.map(({ rule, message }) => `${message.id} ${rule}`));
        if (ids.size === 0) world.violation(`${text} has not fired the rule`);
        if (qos === 2 && ids.size > 1) world.violation(`${text} has fired the rule under ${ids.size} ids`);
      }
      const order = world.ruleRecords.map(({ message }) => new TextDecoder().decode(message.payload));
      const firsts = [...new Set(order)];
      if (firsts.join() !== texts.join()) world.violation(`the order of records is ${firsts.join()}`);
    },
  };
}

it.each([1, 2] as const)(
  'a publisher stopped at any call, QoS %i: every message fires the rule',
  async (qos) => {
    const count = await crashUnderSeeds(() => scenario(qos), schedules / 15);
    expect(count).toBeGreaterThan(20);
  },
  240_000,
);
