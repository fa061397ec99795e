import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createRequestSigner } from '../../lib/aws/signer.ts';
import { edgeAddress } from '../../lib/core/edge-address.ts';
import { metrics } from '../../lib/core/metrics.ts';
import { createBackDoor } from '../../lib/edge/back-door.ts';
import { type Doors, startDoors } from './doors.ts';

describe('a handshake of a back door', () => {
  const refusals: [string, (doors: Doors, url: URL) => Promise<Record<string, string>>][] = [
    ['no signature', async () => ({})],
    ['something else', async () => ({ authorization: 'Bearer e30.e30.e30' })],
    ['an unknown key', (_, url) => signed({ accessKeyId: 'AKID', secretAccessKey: 'local' }, url)],
    ['another secret', (_, url) => signed({ accessKeyId: 'local', secretAccessKey: 'guessed' }, url)],
    [
      'a key named like a member of objects',
      (_, url) => signed({ accessKeyId: 'constructor', secretAccessKey: 'local' }, url),
    ],
    [
      'a signature of ten minutes ago',
      ({ clock }, url) =>
        signed({ accessKeyId: 'local', secretAccessKey: 'local' }, url, clock.now() - 600_000),
    ],
    [
      'a signature for another path',
      ({ clock }, url) =>
        signed({ accessKeyId: 'local', secretAccessKey: 'local' }, new URL('/mqtt', url), clock.now()),
    ],
    [
      'another region',
      ({ clock }, url) =>
        signed({ accessKeyId: 'local', secretAccessKey: 'local' }, url, clock.now(), 'eu-west-1'),
    ],
    [
      'a header that is not signed',
      async ({ clock }, url) => ({
        ...(await signed({ accessKeyId: 'local', secretAccessKey: 'local' }, url, clock.now())),
        'x-amz-extra': '1',
      }),
    ],
  ];

  function signed(
    credentials: { accessKeyId: string; secretAccessKey: string },
    url: URL,
    nowMs = Date.UTC(2026, 0, 1),
    region = 'us-east-1',
  ) {
    return createRequestSigner(region, credentials)({ method: 'GET', url, date: new Date(nowMs) });
  }

  async function statusOf(url: string, headers: Record<string, string>): Promise<number> {
    const socket = new WebSocket(url, { headers });
    socket.on('error', () => {});
    const answer = await Promise.race([
      once(socket, 'unexpected-response').then(([, response]) => Number(response.statusCode)),
      once(socket, 'open').then(() => 101),
    ]);
    socket.terminate();
    return answer;
  }

  test('is refused without a valid signature, and no function runs', async () => {
    const opened = await startDoors();
    const { url = '', gateway } = opened.service.backDoor ?? {};
    for (const [name, headersOf] of refusals)
      expect([name, await statusOf(url, await headersOf(opened, new URL(url)))]).toEqual([name, 403]);
    expect(gateway?.meters.invocations.$connect).toBe(0);
    const valid = await signed(
      { accessKeyId: 'local', secretAccessKey: 'local' },
      new URL(url),
      opened.clock.now(),
    );
    expect(await statusOf(url, valid)).toBe(101);
  });
});

test('who posts to an address of an edge reaches its process', async () => {
  const { open, post, service } = await startDoors();
  const [a, b] = [await open('A'), await open('B')];
  expect(a.backDoor.isServing()).toBe(true);
  expect(await Promise.all([post('A', 1, 'x'), post('A', 2, 'x'), post('B', 1, 'y')])).toEqual(
    Array(3).fill('sent'),
  );
  await service.service.context.gateway.close(edgeAddress('A', 2));
  await expect
    .poll(() => [a.received, b.received])
    .toEqual([
      [
        { to: [1, 2], text: 'x' },
        { to: [2], close: true },
      ],
      [{ to: [1], text: 'y' }],
    ]);
  expect(await post('C', 1, 'nobody')).toBe('gone');
});

test('a lease is kept for as long as the process runs, and nobody looks it dead', async () => {
  const { open, pass, service } = await startDoors();
  const a = await open('A');
  await pass(300, async () => expect(a.backDoor.isServing()).toBe(true));
  expect(await service.service.context.edges.get('A', true)).toMatchObject({ isDead: false });
  // Heartbeats: one for each minute of silence.
  expect(service.backDoor?.gateway.meters.messagesIn).toBeLessThanOrEqual(6);
});

test('a door is replaced before the two hours of API Gateway end, and nothing is lost', async () => {
  const { open, post, pass } = await startDoors();
  const a = await open('A');
  const first = await a.door();
  const sent: string[] = [];
  await pass(2 * 3_600, async () => {
    const text = `t${sent.length}`;
    sent.push(text);
    expect(await post('A', 1, text)).toBe('sent');
  });
  await expect.poll(() => a.texts().length).toBe(sent.length);
  expect(a.texts()).toEqual(sent);
  expect(await a.door()).not.toBe(first);
  expect(a.deaths()).toBe(0);
}, 120_000);

test('a door that is cut is opened again, and the process serves on', async () => {
  const { open, post, pass, service } = await startDoors();
  const a = await open('A');
  const first = await a.door();
  service.backDoor?.gateway.cut(first);
  await pass(30, async () => expect(a.backDoor.isServing()).toBe(true));
  expect(await a.door()).not.toBe(first);
  expect(await post('A', 1, 'again')).toBe('sent');
  await expect.poll(() => a.texts()).toEqual(['again']);
  expect(a.deaths()).toBe(0);
});

test('a door that no longer answers heartbeats is replaced', async () => {
  let isSilent = true;
  const isHeartbeat = (event: object) => 'body' in event && event.body === '.';
  const { open, post, pass } = await startDoors({
    doorFaults: { dropRouteResponse: ({ event }) => isSilent && isHeartbeat(event) },
  });
  const a = await open('A');
  const first = await a.door();
  await pass(80, async () => expect(a.backDoor.isServing()).toBe(true));
  isSilent = false;
  expect(await a.door()).not.toBe(first);
  expect(await post('A', 1, 'x')).toBe('sent');
  await expect.poll(() => a.texts()).toEqual(['x']);
  expect(a.deaths()).toBe(0);
});

test.each([
  ['its door is cut: 10 s later', undefined, 15],
  ['nobody hears of it: within 30 s', 'silently' as const, 35],
])('a process that is killed is dead when %s', async (_, how, seconds) => {
  const { open, post, pass, service } = await startDoors();
  const a = await open('A');
  await a.backDoor.useBlock(0);
  await pass(20);
  await a.kill(how);
  await pass(5);
  expect(await service.service.context.edges.get('A', true)).toMatchObject({ isDead: false });
  await pass(seconds);
  expect(await service.service.context.edges.get('A', true)).toMatchObject({ isDead: true });
  expect(await post('A', 1, 'x')).toBe('gone');
  expect(service.counters.get(metrics.edgesDead)).toBe(1);
  expect(await service.service.context.edges.closeBlocks('A')).toEqual([]);
});

test('a process that was only frozen serves nothing after 9 s, and ends when it wakes', async () => {
  const { open, pass, service } = await startDoors();
  const { edges } = service.service.context;
  const a = await open('A');
  const renew = edges.renew;
  let isFrozen = true;
  // The store does not answer this process.
  (edges as { renew: typeof renew }).renew = (...call) => (isFrozen ? new Promise(() => {}) : renew(...call));
  await pass(5);
  expect(a.backDoor.isServing()).toBe(true);
  await pass(5);
  expect(a.backDoor.isServing()).toBe(false);
  const serving = a.backDoor.untilServing();
  await pass(35);
  expect(await edges.get('A', true)).toMatchObject({ isDead: true });
  isFrozen = false;
  await pass(5);
  expect(await serving).toBe(false);
  expect([a.deaths(), a.backDoor.isServing()]).toEqual([1, false]);
  await expect(a.backDoor.useBlock(1)).rejects.toThrow('dead');
  expect(a.deaths()).toBe(1);
});

test('a store that fails for a while stops the process for that while', async () => {
  const { open, pass, service } = await startDoors();
  const { edges } = service.service.context;
  const a = await open('A');
  const renew = edges.renew;
  (edges as { renew: typeof renew }).renew = async () => {
    throw new Error('throttled');
  };
  await pass(10);
  expect(a.backDoor.isServing()).toBe(false);
  const serving = a.backDoor.untilServing();
  (edges as { renew: typeof renew }).renew = renew;
  await pass(5);
  expect(await serving).toBe(true);
  expect([a.deaths(), a.backDoor.isServing()]).toEqual([0, true]);
});

test('a flood and hostile messages are counted, and harm nobody', async () => {
  const { open, post, service } = await startDoors();
  const a = await open('A');
  const { gateway } = service.backDoor ?? {};
  const connectionId = await a.door();
  const hostile = [
    '',
    'x',
    '{}',
    '{"v":2,"items":[]}',
    '{"v":1,"items":[{"to":[-1],"close":true}]}',
    '['.repeat(99_999),
  ];
  const flood = Array.from({ length: 500 }, (_, index) => hostile[index % hostile.length] ?? '');
  for (const body of flood) {
    const response = await fetch(`${gateway?.callbackUrl}/@connections/${encodeURIComponent(connectionId)}`, {
      method: 'POST',
      body,
    });
    expect(response.status).toBe(200);
  }
  expect(await post('A', 9_999_999, 'last')).toBe('sent');
  await expect.poll(() => a.texts()).toEqual(['last']);
  expect(service.counters.get(metrics.doorMessagesRefused)).toBe(flood.length);
  expect(await a.door()).toBe(connectionId);
});

test('a process that cannot open its door does not start', async () => {
  const { service } = await startDoors();
  const { timers, edges } = service.service.context;
  const { url = '', region = '' } = service.backDoor ?? {};
  const starting = createBackDoor({
    url,
    sign: createRequestSigner(region, { accessKeyId: 'local', secretAccessKey: 'guessed' }),
  })({
    edge: 'A',
    edges,
    timers,
    clock: { nowMs: () => service.service.nowMs() },
    log: service.service.log,
    receive: () => {},
    onLost: () => {},
    onDead: () => {},
  });
  await expect(starting).rejects.toThrow('403');
  expect(await edges.get('A', true)).toBeUndefined();
});
