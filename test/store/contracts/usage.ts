import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { UsageCounts } from '../../../lib/core/usage.ts';
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
      await one.addCounts(tenant, hours[0], { messagesIn: 5, connects: 1 });
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
