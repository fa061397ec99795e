import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { countNames, type UsageCounts } from '../../../lib/core/usage.ts';
import { itemBytes } from '../../../lib/local/dynamodb/capacity.ts';
import type { World } from '../world.ts';

const hours = ['2026-11-21T06', '2026-11-21T07', '2026-11-21T08'] as const;
const zero: UsageCounts = {
  messagesIn: 0,
  bytesIn: 0,
  messagesOut: 0,
  bytesOut: 0,
  connects: 0,
  connectionMs: 0,
  packetsIn: 0,
  deliveries: 0,
  ruleDeliveries: 0,
  ruleFailures: 0,
};

/** Hours and gauges in table Usage. */
export function usageContract(name: string, open: () => Promise<World>): void {
  describe(`usage: ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());
    const report = (tenant: ReturnType<World['tenant']>) =>
      world.process().usageStore.report(tenant, hours[0], hours[2]);
    const up = { connections: 1 };
    const down = { connections: -1 };

    test('counts of connections belong to their hour, whichever process begins the next', async () => {
      const tenant = world.tenant();
      const [one, other] = [world.process().usageStore, world.process().usageStore];
      await one.addCounts(tenant, hours[0], { counts: { messagesIn: 5, connects: 1 } });
      expect(await one.addGauges(tenant, up, hours[0], { connects: 1 })).toMatchObject(up);
      expect(await other.addGauges(tenant, up, hours[0], { connects: 1 })).toMatchObject({ connections: 2 });
      const first = { ...zero, messagesIn: 5, connects: 3 };
      expect(await report(tenant)).toEqual([{ hour: hours[0], counts: first }]);
      await other.addGauges(tenant, down, hours[2], { connectionMs: 70 });
      await one.addGauges(tenant, up, hours[2], { connects: 1 });
      expect(await report(tenant)).toEqual([
        { hour: hours[0], counts: first },
        { hour: hours[2], counts: { ...zero, connects: 1, connectionMs: 70 } },
      ]);
      expect(await one.readGauges(tenant)).toMatchObject({ connections: 2 });
    });

    test('a process whose clock is behind counts for the current hour', async () => {
      const tenant = world.tenant();
      const { usageStore } = world.process();
      await usageStore.addGauges(tenant, up, hours[1], { connects: 1 });
      await world.process().usageStore.addGauges(tenant, up, hours[0], { connects: 1 });
      expect(await report(tenant)).toEqual([{ hour: hours[1], counts: { ...zero, connects: 2 } }]);
    });

    test('processes that begin an hour together lose nothing and count nothing twice', async () => {
      const tenant = world.tenant();
      const processes = Array.from({ length: 6 }, () => world.process().usageStore);
      for (const hour of hours)
        await Promise.all(processes.map((store) => store.addGauges(tenant, up, hour, { connects: 1 })));
      expect(await report(tenant)).toEqual(hours.map((hour) => ({ hour, counts: { ...zero, connects: 6 } })));
      expect(await processes[0]?.readGauges(tenant)).toMatchObject({ connections: 18 });
    });

    test('minutes of an hour add up, whichever process counts them, as their hours do', async () => {
      const tenant = world.tenant();
      const [one, other] = [world.process().usageStore, world.process().usageStore];
      const most = { messagesIn: 499_999_999, messagesOut: 499_999_999 };
      for (const store of [one, other]) {
        await store.addCounts(tenant, hours[0], {
          counts: { messagesIn: 4 },
          minutes: new Map([
            [`${hours[0]}:00`, { messagesIn: 1 }],
            [`${hours[0]}:59`, { messagesOut: 3, refusals: 7 }],
          ]),
        });
        await store.addCounts(tenant, hours[1], {
          counts: most,
          minutes: new Map([[`${hours[1]}:07`, most]]),
        });
      }
      expect(await one.reportMinutes(tenant, hours[0], hours[1])).toEqual([
        { minute: `${hours[0]}:00`, counts: { messagesIn: 2, messagesOut: 0, refusals: 0 } },
        { minute: `${hours[0]}:59`, counts: { messagesIn: 0, messagesOut: 6, refusals: 14 } },
        {
          minute: `${hours[1]}:07`,
          counts: { messagesIn: 999_999_998, messagesOut: 999_999_998, refusals: 0 },
        },
      ]);
      expect(await one.reportMinutes(tenant, hours[2], hours[2])).toEqual([]);
      expect(await report(tenant)).toMatchObject([
        { hour: hours[0], counts: { messagesIn: 8 } },
        { hour: hours[1], counts: { messagesIn: 999_999_998 } },
      ]);
    });

    test('a row in which every minute has a million messages is written with one unit', async () => {
      const tenant = world.tenant();
      const { usageStore } = world.process();
      const busy = { messagesIn: 123_456, messagesOut: 1_234_567 };
      const largest = Object.fromEntries(countNames.map((name) => [name, 123_456_789_012]));
      for (let minute = 0; minute < 60; minute += 1) {
        const name = `${hours[0]}:${String(minute).padStart(2, '0')}`;
        await usageStore.addCounts(tenant, hours[0], { counts: busy, minutes: new Map([[name, busy]]) });
      }
      await usageStore.addCounts(tenant, hours[0], { counts: largest, storedBytes: 123_456_789_012 });
      expect(await usageStore.reportMinutes(tenant, hours[0], hours[0])).toHaveLength(60);
      const [row] = await world.items('usage', tenant);
      expect(
        itemBytes({ ...row, movedConnects: { N: '1234567' }, movedMs: { N: '123456789' } }),
      ).toBeLessThan(1_024);
    });

    test('a process that dies between the two writes of the move leaves them to the next', async () => {
      const tenant = world.tenant();
      const { usageStore } = world.process();
      await usageStore.addGauges(tenant, up, hours[0], { connects: 1, connectionMs: 10 });
      // What the dead process has moved, before one more connection of that hour ended.
      const row = { tenant: { S: tenant }, part: { S: `hour#${hours[0]}` }, v: { N: '1' } };
      await world.putItem('usage', { ...row, movedConnects: { N: '1' }, movedMs: { N: '10' } });
      await usageStore.addGauges(tenant, down, hours[0], { connectionMs: 30 });
      const first = { hour: hours[0], counts: { ...zero, connects: 1, connectionMs: 40 } };
      expect(await report(tenant)).toEqual([first]);
      await usageStore.addGauges(tenant, up, hours[1], { connects: 1 });
      expect(await report(tenant)).toEqual([first, { hour: hours[1], counts: { ...zero, connects: 1 } }]);
    });
  });
}
