import { expect, test } from 'vitest';
import { createEdgeGateway } from '../../lib/aws/edge-gateway.ts';
import { edgeAddress } from '../../lib/core/edge-address.ts';
import type { ConnectionAddress } from '../../lib/core/model.ts';
import type { Gateway } from '../../lib/core/ports.ts';
import type { EdgeLease } from '../../lib/core/store-ports/edges.ts';
import type { ScheduledTimer } from '../../lib/core/timers.ts';
import { type DoorItem, decodeDoorMessage, maxDoorMessageBytes } from '../../lib/wire/back-door.ts';

type Outcome = Awaited<ReturnType<Gateway['post']>>;

/** A gateway beside edges, which tests make and kill. */
function routed() {
  let nowMs = 1_000_000;
  const leases = new Map<string, EdgeLease>();
  /** What eventually consistent reads see; default: the same. */
  const stale = new Map<string, EdgeLease | undefined>();
  const open = new Set<string>();
  const reads: string[] = [];
  const texts: string[] = [];
  const arrived: DoorItem[] = [];
  const atGateway: string[] = [];
  const timers: ScheduledTimer[] = [];
  const logged: string[] = [];
  const pauses: number[] = [];
  /** What happens while a post waits. */
  let pausing: (pause: number) => void = () => {};
  let answer: (door: string) => Outcome | Promise<Outcome> = (door) => (open.has(door) ? 'sent' : 'gone');
  const note = (message: string): void => {
    logged.push(message);
  };
  const gateway = createEdgeGateway({
    gateway: {
      post: async (address) => {
        atGateway.push(`post ${address}`);
        return 'sent';
      },
      close: async (address) => {
        atGateway.push(`close ${address}`);
        return true;
      },
      lastActiveAtMs: async () => 5,
    },
    doors: {
      post: async (door, text) => {
        const outcome = await answer(door);
        if (outcome !== 'sent') return outcome;
        texts.push(text);
        arrived.push(...(decodeDoorMessage(text) ?? []));
        return outcome;
      },
    },
    edges: {
      get: async (edge, consistent = false) => {
        reads.push(`${edge}${consistent ? ', consistently' : ''}`);
        return !consistent && stale.has(edge) ? stale.get(edge) : leases.get(edge);
      },
    },
    timers: {
      schedule: async (timer, dueAtMs) => {
        timers.push({ timer, dueAtMs });
      },
    },
    clock: { nowMs: () => nowMs },
    log: { debug: note, info: note, warn: note, error: note, count: () => {}, countRefusal: () => {} },
    lookSeconds: 15,
    pause: async (milliseconds) => {
      pauses.push(milliseconds);
      pausing(pauses.length);
    },
  });
  return {
    gateway,
    leases,
    stale,
    reads,
    texts,
    arrived,
    atGateway,
    timers,
    logged,
    pauses,
    open,
    whilePausing(does: typeof pausing) {
      pausing = does;
    },
    edge(name: string, door = `${name}-door`) {
      leases.set(name, { door, renewedAtMs: 7, isDead: false });
      open.add(door);
    },
    answers(with_: typeof answer) {
      answer = with_;
    },
    pass(milliseconds: number) {
      nowMs += milliseconds;
    },
  };
}

const post = (router: ReturnType<typeof routed>, edge: string, channel: number, text = 'QQ==') =>
  router.gateway.post(edgeAddress(edge, channel), text);

test('addresses of API Gateway go there, and cost nothing else', async () => {
  const router = routed();
  const address = 'L0SM9c=' as ConnectionAddress;
  expect(await router.gateway.post(address, 'QQ==')).toBe('sent');
  await router.gateway.close(address);
  expect(await router.gateway.lastActiveAtMs(address)).toBe(5);
  expect(router.atGateway).toEqual([`post ${address}`, `close ${address}`]);
  expect([router.reads, router.texts]).toEqual([[], []]);
});

test('a tick of posts to an edge is one message, and the same text is in it once', async () => {
  const router = routed();
  router.edge('A');
  router.edge('B');
  const outcomes = await Promise.all([
    ...Array.from({ length: 500 }, (_, channel) => post(router, 'A', channel)),
    post(router, 'A', 7, 'other'),
    post(router, 'B', 1),
  ]);
  expect(new Set(outcomes)).toEqual(new Set(['sent']));
  expect(router.texts).toHaveLength(2);
  expect(router.arrived.map(({ to }) => to.length).toSorted()).toEqual([1, 1, 500]);
  expect(router.reads).toEqual(['A', 'B']);
});

test('large texts are spread over messages of 32 KB, each with its own outcome', async () => {
  const router = routed();
  router.edge('A');
  let count = 0;
  router.answers(() => {
    count += 1;
    return count === 2 ? 'failed' : 'sent';
  });
  const texts = ['A', 'B', 'C'].map((letter) => letter.repeat(20_000));
  const outcomes = await Promise.all(texts.map((text, channel) => post(router, 'A', channel, text)));
  expect(outcomes).toEqual(['sent', 'failed', 'sent']);
  expect(router.texts.every(({ length }) => length <= maxDoorMessageBytes)).toBe(true);
});

test('two messages to a door are under way at most; what comes meanwhile is gathered', async () => {
  const router = routed();
  router.edge('A');
  const held: (() => void)[] = [];
  router.answers(() => new Promise((resolve) => held.push(() => resolve('sent'))));
  const under = (count: number) => expect.poll(() => held.length).toBe(count);
  const outcomes = [post(router, 'A', 0)];
  await under(1);
  outcomes.push(post(router, 'A', 1));
  await under(2);
  for (let channel = 2; channel < 400; channel += 1) outcomes.push(post(router, 'A', channel));
  await new Promise(setImmediate);
  expect(held).toHaveLength(2);
  held[0]?.();
  await under(3);
  for (const release of held) release();
  expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['sent']));
  expect(router.texts).toHaveLength(3);
});

test('a lease is read once in 5 seconds', async () => {
  const router = routed();
  router.edge('A');
  for (const passMs of [0, 4_999, 1]) {
    router.pass(passMs);
    await post(router, 'A', 1);
  }
  expect(router.reads).toEqual(['A', 'A']);
});

test('a rotated door is looked up again, and nothing is lost', async () => {
  const router = routed();
  router.edge('A');
  await post(router, 'A', 1, 'before');
  router.open.clear();
  router.edge('A', 'new-door');
  expect(await post(router, 'A', 1, 'after')).toBe('sent');
  expect(router.arrived.map((item) => ('text' in item ? item.text : ''))).toEqual(['before', 'after']);
  expect(router.reads).toEqual(['A', 'A, consistently']);
});

test('a door that is lost and opened again within a second loses nothing', async () => {
  const router = routed();
  router.edge('A');
  router.open.clear();
  router.whilePausing((pause) => {
    if (pause === 2) router.edge('A', 'new-door');
  });
  expect(await post(router, 'A', 1)).toBe('sent');
  expect(router.pauses).toEqual([200, 600]);
});

test('a lease that has just begun counts, though the first read does not see it', async () => {
  const router = routed();
  router.edge('A');
  router.stale.set('A', undefined);
  expect(await post(router, 'A', 1)).toBe('sent');
});

test.each([
  ['unknown', () => {}],
  [
    'dead',
    (router: ReturnType<typeof routed>) =>
      router.leases.set('A', { door: 'a', renewedAtMs: 1, isDead: true }),
  ],
])('connections of an edge that is %s are gone', async (_, prepare) => {
  const router = routed();
  prepare(router);
  expect(await post(router, 'A', 1)).toBe('gone');
  expect(await router.gateway.lastActiveAtMs(edgeAddress('A', 1))).toBeUndefined();
  await router.gateway.close(edgeAddress('A', 1));
  expect(router.texts).toEqual([]);
});

test('an edge that dies between two posts: failed until it is declared dead, then gone', async () => {
  const router = routed();
  router.edge('A');
  expect(await router.gateway.lastActiveAtMs(edgeAddress('A', 1))).toBe(1_000_000);
  router.open.clear();
  expect(await post(router, 'A', 1)).toBe('failed');
  expect(await post(router, 'A', 1)).toBe('failed');
  // Only the first post waits for another door.
  expect(router.pauses).toEqual([200, 600, 1_800]);
  // Whoever watched the edge may be lost: one look, however many posts fail.
  expect(router.timers).toEqual([
    {
      timer: { kind: 'edge-lease', edge: 'A', renewedAtMs: 7, isRepeated: false },
      dueAtMs: 1_015_000,
    },
  ]);
  router.leases.set('A', { door: 'A-door', renewedAtMs: 7, isDead: true });
  expect(await post(router, 'A', 1)).toBe('gone');
});

test('a close is tried three times, and says nothing of a failure', async () => {
  const router = routed();
  router.edge('A');
  const outcomes: Outcome[] = ['failed', 'failed', 'sent', 'sent'];
  let asked = 0;
  router.answers(() => outcomes[asked++] ?? 'failed');
  await router.gateway.close(edgeAddress('A', 1));
  expect(asked).toBe(3);
  expect(router.arrived).toEqual([{ to: [1], close: true }]);
  router.answers(() => 'failed');
  await router.gateway.close(edgeAddress('A', 1));
});

test('a store that fails is a failed post, not an error', async () => {
  const router = routed();
  router.leases.get = () => {
    throw new Error('throttled');
  };
  expect(await post(router, 'A', 1)).toBe('failed');
  expect(router.logged).toEqual(['edge could not be reached']);
});
