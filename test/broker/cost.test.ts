import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Packet } from '../../lib/mqtt/types.ts';
import { measureCosts } from '../bench/costs.ts';
import { type Cost, costTable, type Metered, publish, startMetered } from '../bench/metered.ts';

let metered: Metered | undefined;
afterEach(async () => {
  await metered?.close();
  metered = undefined;
});

/** Costs as counts, which are the same on every machine: compare each change with them. */
describe('the cost of each exchange', () => {
  let costs: Map<string, Cost>;
  beforeAll(async () => {
    costs = await measureCosts();
  }, 60_000);
  const cost = (name: string): Cost => costs.get(name) ?? expect.fail(`nothing was measured as ${name}`);

  test('exactly', () => {
    expect(costTable(costs)).toMatchInlineSnapshot(`
      "                                         calls    RCU    WCU  round trips    SQS  msgs in  msgs out
      WebSocket handshake                          0      0      0            0      1        0         0
      CONNECT, first of its tenant                 9    4.5      5            9      1        1         1
      CONNECT, session taken over                 11      7      4           12      1        1         2
      PINGREQ                                      1      1      0            1      0        1         1
      heartbeat                                    1    0.5      0            1      0        1         1
      DISCONNECT, function alone                   6      3      3            6      0        0         0
      CONNECT, new session                         6      3      4            6      1        1         1
      $disconnect without DISCONNECT               7    3.5      3            7      0        0         0
      $disconnect after DISCONNECT                 1      1      0            1      0        0         0
      SUBSCRIBE, shape new to the tenant          12    4.5      8            8      1        1         1
      SUBSCRIBE, known shape                       5    3.5      2            5      0        1         1
      SUBSCRIBE, again                             5    3.5      2            5      0        1         1
      SUBSCRIBE, 10 filters                        5   12.5     20            5      0        1         1
      UNSUBSCRIBE                                  4      2      2            4      0        1         1
      PUBLISH QoS 0 retained                       3    1.5      1            3      0        1         1
      PUBLISH QoS 0 retained, again                3    1.5      1            3      0        1         1
      SUBSCRIBE, 1 retained                        5    3.5      2            6      0        1         2
      SUBSCRIBE with #, 1 retained                11    4.5      7            9      0        1         2
      PUBLISH QoS 0, 3 shapes                      4    2.5      0            3      0        1         2
      10 × PUBLISH QoS 0 in a frame                4    2.5      0            3      0        1         2
      PUBLISH QoS 0, no subscriber                 2    1.5      0            2      0        1         1
      PUBLISH QoS 1                                5    3.5      2            5      0        1         2
      its PUBACK                                   3      2      1            3      0        1         1
      10 × PUBLISH QoS 1                           6    3.5      3            6      0        1         2
      10 × its PUBACK                              4      2      2            3      0        1         1
      PUBLISH QoS 2                                9    5.5      4            9      0        1         2
      its PUBREL                                   2      1      1            2      0        1         1
      its PUBREC                                   2      1      1            2      0        1         1
      its PUBCOMP                                  3      2      1            3      0        1         1
      10 × PUBLISH QoS 2                          28    5.5     23           11      0        1         2
      10 × its PUBREL                             11      1     10            2      0        1         1
      10 × its PUBREC                              3      1      2            2      0        1         1
      10 × its PUBCOMP                             4      2      2            3      0        1         1
      PUBLISH QoS 0, 1 shape                       2    1.5      0            3      0        1         2
      10 × PUBLISH QoS 0, 1 shape                  2    1.5      0            3      0        1         2
      PUBLISH QoS 0, 1 rule                        2    1.5      0            3      1        1         2
      10 × PUBLISH QoS 0, 1 rule                   2    1.5      0            3      1        1         2
      PUBLISH QoS 1, 1 rule                        5    3.5      2            5      1        1         2
      10 × PUBLISH QoS 1, 1 rule                   6    3.5      3            6      1        1         2
      PUBLISH QoS 1, 10 KB, 10 subscribers        33   12.5     31            5      0        1        11
      PUBACK of one of them                        3      2      1            3      0        1         1
      resume, 0 queued, to the last PUBACK        10      6      4           10      2        1         1
      10 × PUBLISH QoS 1, subscriber offline       6    3.5      3            6      0        1         1
      resume, 10 queued, to the last PUBACK       19     11      8           18      2        2         3
      resume, 1000 queued, to the last PUBACK    289    422    233          108      2       11        21"
    `);
  });

  test('QoS 0 takes 3 round trips (state, match, push) and 2.5 read units with 3 shapes', () => {
    expect(cost('PUBLISH QoS 0, 3 shapes').roundTrips).toBeLessThanOrEqual(3);
    expect(cost('PUBLISH QoS 0, 3 shapes').readUnits).toBeLessThanOrEqual(2.5);
    expect(cost('PUBLISH QoS 0, 3 shapes').writeUnits).toBe(0);
  });

  test('QoS 1 to an online session takes 3 write units, its acknowledgement included', () => {
    expect(cost('PUBLISH QoS 1').writeUnits + cost('its PUBACK').writeUnits).toBeLessThanOrEqual(3);
  });

  test.each([
    ['10 × PUBLISH QoS 0 in a frame', 'PUBLISH QoS 0, 3 shapes'],
    ['10 × PUBLISH QoS 1', 'PUBLISH QoS 1'],
    ['10 × its PUBACK', 'its PUBACK'],
    ['10 × PUBLISH QoS 2', 'PUBLISH QoS 2'],
    ['10 × its PUBREL', 'its PUBREL'],
    ['10 × its PUBREC', 'its PUBREC'],
    ['10 × its PUBCOMP', 'its PUBCOMP'],
  ])('a frame: %s costs clearly less than ten of one', (batch, single) => {
    const [ten, one] = [cost(batch), cost(single)];
    expect(ten.calls).toBeLessThan(6 * one.calls);
    expect(ten.readUnits).toBeLessThanOrEqual(2 * one.readUnits);
    expect(ten.writeUnits).toBeLessThanOrEqual(10 * one.writeUnits);
    // One more for each row of the subscriber's queue behind the first: rows are stored in order.
    expect(ten.roundTrips).toBeLessThanOrEqual(one.roundTrips + 2);
    expect(ten.messagesIn + ten.messagesOut).toBe(one.messagesIn + one.messagesOut);
  });

  test.each([
    ['PUBLISH QoS 0, 1 rule', 'PUBLISH QoS 0, 1 shape'],
    ['10 × PUBLISH QoS 0, 1 rule', '10 × PUBLISH QoS 0, 1 shape'],
    ['PUBLISH QoS 1, 1 rule', 'PUBLISH QoS 1'],
    ['10 × PUBLISH QoS 1, 1 rule', '10 × PUBLISH QoS 1'],
  ])('a rule: %s costs one request to SQS more, and nothing else', (withRule, without) => {
    expect(cost(withRule)).toEqual({
      ...cost(without),
      timers: cost(without).timers + 1,
      storeCalls: expect.anything(),
    });
  });

  test('a heartbeat costs half a read unit and its two messages', () => {
    const heartbeat = { calls: 1, readUnits: 0.5, writeUnits: 0, timers: 0, messagesIn: 1, messagesOut: 1 };
    expect(cost('heartbeat')).toMatchObject(heartbeat);
  });
});

test('a publish costs the same among 100 and 10,000 subscriptions', async () => {
  metered = await startMetered();
  const { service } = metered;
  const mint = await service.tenant('acme');
  const subscriber = await metered.connect(mint, 'subscriber');
  const filters = ['devices/d1/state', 'devices/+/state', 'devices/d1/#'];
  const subscriptions = filters.map((topic) => ({ topic, qos: 1 as const }));
  await subscriber.send({ cmd: 'subscribe', messageId: 1, subscriptions } as Packet);
  const publisher = await metered.connect(mint, 'publisher');
  const identity = await service.stores.tenants.readLive(mint.tenant as never, true);
  expect(identity?.shapes.size).toBe(3);

  const costOf = async (qos: 0 | 1) => {
    const { storeCalls: _, ...cost } =
      (await metered?.measure(() => publisher.send(publish('devices/d1/state', qos, qos || undefined)))) ??
      expect.fail();
    return cost;
  };
  const addSubscriptions = async (from: number, to: number) => {
    for (let start = from; start < to; start += 100)
      await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          service.stores.subscriptions.put(mint.tenant as never, {
            clientId: `other-${start + index}`,
            filter: `devices/other-${start + index}/${index % 2 === 0 ? 'state' : '#'}`,
            generation: 'g',
            qos: 1,
            noLocal: false,
            retainAsPublished: false,
          }),
        ),
      );
  };
  await addSubscriptions(0, 100);
  await costOf(0);
  const among100 = [await costOf(0), await costOf(1)];
  await addSubscriptions(100, 10_000);
  expect([await costOf(0), await costOf(1)]).toEqual(among100);
});

test('a traced client costs one read and one Query more in an invocation, another client nothing', async () => {
  metered = await startMetered();
  const { service } = metered;
  const mint = await service.tenant('acme');
  const tenant = mint.tenant as never;
  const publishers = [await metered.connect(mint, 'traced'), await metered.connect(mint, 'other')] as const;
  const costs = async () => {
    const found: unknown[] = [];
    for (const publisher of publishers) {
      // The first one reads what the process has not cached yet.
      for (const isMeasured of [false, true]) {
        const { storeCalls: _, ...cost } =
          (await metered?.measure(() => publisher.send(publish('a', 0)))) ?? expect.fail();
        if (isMeasured) found.push(cost);
      }
    }
    return found as [Cost, Cost];
  };
  // A shape that an operator's session would add, so that the lines are matched.
  await service.stores.tenants.addShape(tenant, '$/=/=/=/=', 64);
  const [before, other] = await costs();
  expect(other).toEqual(before);
  const untilMs = service.service.nowMs() + 60_000;
  const session = await service.stores.sessions.setTrace({ tenant, clientId: 'traced' }, untilMs);
  await service.stores.connections.setTrace(session?.address ?? expect.fail(), untilMs);
  const [traced, untraced] = await costs();
  expect(untraced).toEqual(before);
  expect(traced).toMatchObject({
    calls: before.calls + 2,
    readUnits: before.readUnits + 1,
    writeUnits: before.writeUnits,
  });
});
