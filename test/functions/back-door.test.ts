import { expect, test } from 'vitest';
import { createBackDoorHandler } from '../../functions/back-door.ts';
import { doorClosed } from '../../lib/broker/edge-death.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import type { EdgeLease } from '../../lib/core/store-ports/edges.ts';
import type { ScheduledTimer } from '../../lib/core/timers.ts';

const connectionId = 'L0SM9cOFvHcCIhw=';
const event = (routeKey: string, body?: string) => ({ requestContext: { connectionId, routeKey }, body });

/** The function, over a lease that names `door`. */
function functionOver(lease?: EdgeLease) {
  const timers: ScheduledTimer[] = [];
  let flushes = 0;
  const edges = {
    edgeOfDoor: async (door: string) => (door === connectionId && lease !== undefined ? 'EDGE' : undefined),
    get: async () => lease,
  };
  const context = {
    clock: { nowMs: () => 1_000 },
    settings: defaultSettings,
    edges: edges as never,
    timers: {
      schedule: async (timer: ScheduledTimer['timer'], dueAtMs: number) => {
        timers.push({ timer, dueAtMs });
      },
      scheduleAll: async () => {},
    },
  };
  const handler = createBackDoorHandler(() => ({
    doorClosed: (door) => doorClosed(context, door),
    flush: async () => {
      flushes += 1;
    },
  }));
  return { handler, timers, flushes: () => flushes };
}

test.each([
  ['$connect', undefined, { statusCode: 200 }],
  ['$default', 'hello', { statusCode: 200, body: `{"connectionId":"${connectionId}"}` }],
  ['$default', '.', { statusCode: 200, body: '.' }],
  ['$default', 'anything else', { statusCode: 200, body: '' }],
  ['$default', '{"v":1,"items":[{"to":[1],"close":true}]}', { statusCode: 200, body: '' }],
])('%s with %j', async (route, body, answer) => {
  const { handler, timers, flushes } = functionOver();
  expect(await handler(event(route, body))).toEqual(answer);
  expect([timers, flushes()]).toEqual([[], 0]);
});

test('the end of the door of a lease is looked at once the edge has had time for another', async () => {
  const { handler, timers, flushes } = functionOver({ door: connectionId, renewedAtMs: 700, isDead: false });
  await handler(event('$disconnect'));
  expect(timers).toEqual([
    {
      timer: { kind: 'edge-lease', edge: 'EDGE', renewedAtMs: 700, isRepeated: false },
      dueAtMs: 11_000,
    },
  ]);
  expect(flushes()).toBe(1);
});

test.each([
  ['of nobody', undefined],
  ['that has been replaced', { door: 'another=', renewedAtMs: 700, isDead: false }],
  ['of a dead edge', { door: connectionId, renewedAtMs: 700, isDead: true }],
])('the end of a door %s means nothing', async (_, lease) => {
  const { handler, timers } = functionOver(lease);
  await handler(event('$disconnect'));
  expect(timers).toEqual([]);
});
