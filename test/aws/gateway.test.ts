import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createGateway, createManagementClient } from '../../lib/aws/gateway.ts';
import { localCredentials } from '../../lib/aws/settings.ts';
import type { ConnectionAddress } from '../../lib/core/model.ts';
import { createRequestHandler, jsonResponse } from '../../lib/local/aws-json.ts';
import { createManualClock } from '../../lib/local/clock.ts';
import { type FaultPlan, type Gateway, startGateway } from '../../lib/local/gateway/index.ts';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close();
});

/** A gateway with one client connected, and the port that a function would have. */
async function connected(faults: FaultPlan = {}) {
  const clock = createManualClock();
  let address = '' as ConnectionAddress;
  const gateway: Gateway = await startGateway({
    port: 0,
    stage: 'mqtt',
    clock,
    faults,
    invoke: async (_route, event) => {
      address = event.requestContext.connectionId as ConnectionAddress;
      return { statusCode: 200 };
    },
  });
  opened.push(gateway);
  const socket = new WebSocket(gateway.url);
  await once(socket, 'open');
  const texts: string[] = [];
  socket.on('message', (data) => texts.push(String(data)));
  const closed = once(socket, 'close').then(([code]) => Number(code));
  const pauses: number[] = [];
  const client = createManagementClient({
    region: 'us-east-1',
    credentials: localCredentials,
    endpoint: gateway.callbackUrl,
  });
  opened.push({ close: () => client.destroy() });
  const port = createGateway(client, async (milliseconds) => {
    pauses.push(milliseconds);
  });
  return { gateway, clock, socket, texts, closed, pauses, port, address };
}

/** Refuses the first `count` posts, alternating between the statuses. */
function refusing(
  count: number,
  ...statuses: (429 | 500 | 503)[]
): FaultPlan & { readonly asked: () => number } {
  let asked = 0;
  return {
    asked: () => asked,
    refusePost: () => {
      asked += 1;
      return asked <= count ? statuses[(asked - 1) % statuses.length] : undefined;
    },
  };
}

const nobody = 'L0SM9cOFvHcCIhw=' as ConnectionAddress;

test('a post reaches the client as one text message', async () => {
  const { port, address, texts, socket } = await connected();
  const arrived = once(socket, 'message');
  expect(await port.post(address, 'QUJD')).toBe('sent');
  await arrived;
  expect(texts).toEqual(['QUJD']);
});

test('a connection that is gone, or never was, is told apart at once', async () => {
  const { port, address, socket, closed, pauses, gateway } = await connected();
  expect(await port.post(nobody, 'x')).toBe('gone');
  socket.close();
  await closed;
  expect(await port.post(address, 'x')).toBe('gone');
  expect(pauses).toEqual([]);
  expect(gateway.meters.refusedPosts).toEqual({ 410: 2 });
});

test.each([
  ['throttling', [429] as const],
  ['an unavailable service', [503] as const],
  ['both by turns', [429, 503] as const],
])('%s is tried again with growing pauses, and sent once', async (_, statuses) => {
  const faults = refusing(5, ...statuses);
  const { port, address, texts, pauses, socket } = await connected(faults);
  const arrived = once(socket, 'message');
  expect(await port.post(address, 'x')).toBe('sent');
  await arrived;
  expect(texts).toEqual(['x']);
  expect(faults.asked()).toBe(6);
  expect(pauses).toHaveLength(5);
  for (const [index, pause] of pauses.entries()) expect(pause).toBeLessThanOrEqual(25 * 2 ** (index + 1));
});

test('a post that may have reached the client is not sent again', async () => {
  const faults = refusing(1, 500);
  const { port, address, pauses } = await connected(faults);
  expect(await port.post(address, 'x')).toBe('failed');
  expect(faults.asked()).toBe(1);

  const timedOut = answering(() => {
    throw Object.assign(new Error('no answer in time'), { name: 'TimeoutError' });
  });
  expect(await timedOut.port.post(nobody, 'x')).toBe('failed');
  expect(timedOut.asked()).toBe(1);
  expect(pauses).toEqual([]);
});

test('after six attempts a post has failed, and the next one starts anew', async () => {
  const faults = refusing(6, 429);
  const { port, address, texts, socket } = await connected(faults);
  const arrived = once(socket, 'message');
  expect(await port.post(address, 'lost')).toBe('failed');
  expect(faults.asked()).toBe(6);
  expect(await port.post(address, 'next')).toBe('sent');
  await arrived;
  expect(texts).toEqual(['next']);
});

test('a message too large for API Gateway fails without another attempt', async () => {
  const { port, address, pauses, gateway } = await connected();
  expect(await port.post(address, 'x'.repeat(131_073))).toBe('failed');
  expect(pauses).toEqual([]);
  expect(gateway.meters.refusedPosts).toEqual({ 413: 1 });
});

test('a gateway that cannot be reached has failed in the end', async () => {
  const { port, address, gateway, pauses } = await connected();
  await gateway.close();
  expect(await port.post(address, 'x')).toBe('failed');
  expect(pauses).toHaveLength(5);
});

test('closing ends the connection; closing a connection that is gone has no effect', async () => {
  const { port, address, closed } = await connected();
  await port.close(address);
  await closed;
  await port.close(address);
  await port.close(nobody);
  expect(await port.post(address, 'x')).toBe('gone');
});

test('returns when the client was last active', async () => {
  const { port, address, clock, socket, closed, gateway } = await connected();
  const connectedAtMs = await port.lastActiveAtMs(address);
  expect(connectedAtMs).toBe(clock.now());
  await clock.advance(90_000);
  expect(await port.lastActiveAtMs(address)).toBe(connectedAtMs);
  socket.send('.');
  while (gateway.meters.messagesIn === 0) await new Promise(setImmediate);
  expect(await port.lastActiveAtMs(address)).toBe((connectedAtMs ?? 0) + 90_000);
  socket.close();
  await closed;
  expect(await port.lastActiveAtMs(address)).toBeUndefined();
  expect(await port.lastActiveAtMs(nobody)).toBeUndefined();
});

/** A port whose calls get these answers, and how many calls there were. */
function answering(answer: (call: number) => ReturnType<typeof jsonResponse>) {
  let asked = 0;
  const client = createManagementClient({
    region: 'us-east-1',
    credentials: localCredentials,
    endpoint: 'http://127.0.0.1:1/mqtt',
    requestHandler: createRequestHandler(async () => {
      asked += 1;
      return answer(asked);
    }),
  });
  const pauses: number[] = [];
  const port = createGateway(client, async (milliseconds) => {
    pauses.push(milliseconds);
  });
  return { port, pauses, asked: () => asked };
}

test.each([
  [2, 'closed'],
  [9, 'left to the idle limit'],
])('a close that is refused %i times is tried again: %s', async (times) => {
  const { port, pauses, asked } = answering((call) => jsonResponse(call <= times ? 429 : 204, {}));
  await port.close(nobody);
  expect(asked()).toBe(Math.min(times + 1, 6));
  expect(pauses).toHaveLength(asked() - 1);
});

test('the question when a client was last active is tried again', async () => {
  const { port, asked } = answering((call) =>
    call <= 2 ? jsonResponse(429, {}) : jsonResponse(200, { lastActiveAt: '2026-11-28T10:00:00Z' }),
  );
  expect(await port.lastActiveAtMs(nobody)).toBe(Date.parse('2026-11-28T10:00:00Z'));
  expect(asked()).toBe(3);
});
