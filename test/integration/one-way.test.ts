import type { IClientOptions, MqttClient } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import ws from 'ws';
import { type AdapterOptions, websocketFactory } from '../../lib/client/index.ts';
import { createManualClock, type ManualClock } from '../../lib/local/clock.ts';
import { type FaultPlan, jitter, seededRandom } from '../../lib/local/gateway/index.ts';
import { decodeOneWay, spacingMs, splitPackets } from '../../lib/wire/index.ts';
import { type Mint, startTestService, type TestService } from '../support/service.ts';

/**
 * A service, a subscriber and publishers on one clock that the test advances. Pauses of adapters
 * and delays of invocations run on it, so the seed alone determines the outcome.
 */
async function startOnClock(delayMs: number) {
  const clock = createManualClock();
  /** Number of messages in one-way frames, and the time at which their invocations start. */
  const begun: { readonly atMs: number; readonly messages: number }[] = [];
  const faults: FaultPlan = {
    delayInvoke(call) {
      if (call.route !== 'oneway' || !('body' in call.event)) return undefined;
      const delay = delayMs === 0 ? undefined : jitter(delayMs)(call);
      const frame = decodeOneWay(call.event.body);
      const { packets } = splitPackets('bytes' in frame ? frame.bytes : new Uint8Array());
      begun.push({ atMs: clock.now() + (delay ?? 0), messages: packets.length });
      return delay;
    },
  };
  const service = await startTestService({ clock, faults, random: seededRandom(7) });
  const mint = await service.tenant('acme');
  const subscriber = await service.connect(mint);
  const got: string[] = [];
  let wake = (): void => {};
  subscriber.on('message', (_, payload) => {
    got.push(payload.toString());
    wake();
  });
  await subscriber.subscribeAsync('#', { qos: 1 });
  let sent = 0;

  /** Waits until the gateway has all frames and the subscriber all messages published so far. */
  async function settle(more = 0): Promise<void> {
    // Turns of the event loop for the library to write and the adapter to send.
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
    while (begun.length < sent) await new Promise(setImmediate);
    const due = begun.filter(({ atMs }) => atMs <= clock.now());
    const expected = more + due.reduce((sum, { messages }) => sum + messages, 0);
    while (got.length < expected)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  }

  /** `ws` that counts one-way frames. */
  class Counting {
    constructor(url: string, protocols: string[]) {
      const socket = new ws(url, protocols);
      const send = socket.send.bind(socket);
      socket.send = (data: Parameters<typeof send>[0]) => {
        if (String(data).startsWith('{')) sent += 1;
        send(data);
      };
      // biome-ignore lint/correctness/noConstructorReturn: what counts is a real `ws`
      return socket as unknown as Counting;
    }
  }
  const publisher = (options: AdapterOptions): Promise<MqttClient> =>
    connectWith(service, mint, {
      WebSocket: Counting as unknown as NonNullable<AdapterOptions['WebSocket']>,
      timers: timersOf(clock),
      ...options,
    });
  return { service, clock, got, settle, publisher, mint };
}

function timersOf(clock: ManualClock): NonNullable<AdapterOptions['timers']> {
  return {
    setTimeout: (callback, ms) => clock.schedule(callback, ms),
    clearTimeout: (cancel) => (cancel as (() => void) | undefined)?.(),
  };
}

function connectWith(service: TestService, mint: Mint, options: AdapterOptions): Promise<MqttClient> {
  const createWebsocket = websocketFactory(options) as unknown as NonNullable<
    IClientOptions['createWebsocket']
  >;
  return service.connect(mint, { createWebsocket });
}

const running: TestService[] = [];
afterEach(async () => {
  for (const service of running.splice(0)) await service.close();
});

const numbers = (count: number) => Array.from({ length: count }, (_, number) => `${number}`);

describe('QoS 0 messages in one-way frames whose invocations are delayed', () => {
  const messages = 60;

  /** Publishes a message every 90 ms. */
  async function publishAll(delayMs: number): Promise<string[]> {
    const { service, clock, got, settle, publisher } = await startOnClock(delayMs);
    running.push(service);
    const client = await publisher({ acknowledge: 'needed' });
    for (const text of numbers(messages)) {
      client.publish('t', text);
      await settle();
      await clock.advance(90);
      await settle();
    }
    while (got.length < messages) {
      await clock.advance(100);
      await settle();
    }
    return got;
  }

  it('by less than the pause between frames, keep their order', async () => {
    expect(await publishAll(spacingMs - 1)).toEqual(numbers(messages));
  }, 60_000);

  it('by more, lose their order but no message', async () => {
    const got = await publishAll(4 * spacingMs);
    expect(got).not.toEqual(numbers(messages));
    expect(got.toSorted((one, other) => Number(one) - Number(other))).toEqual(numbers(messages));
  }, 60_000);
});

it('DISCONNECT and later QoS 1 messages arrive after them', async () => {
  const { service, clock, got, settle, publisher } = await startOnClock(spacingMs - 1);
  running.push(service);
  const client = await publisher({ acknowledge: 'needed' });
  client.publish('t', '0');
  await settle();
  const acknowledged = client.publishAsync('t', '1', { qos: 1 });
  await settle();
  expect(got).toEqual([]);
  await clock.advance(spacingMs);
  await acknowledged;
  client.publish('t', '2');
  await settle(1);
  const ended = client.endAsync();
  await clock.advance(spacingMs);
  await ended;
  await settle(1);
  expect(got).toEqual(numbers(3));
}, 60_000);

describe('API Gateway messages of the publisher', () => {
  it.each([
    { burst: 1, acknowledge: 'always', each: 2 },
    { burst: 1, acknowledge: 'needed', each: 33 / 32 },
    { burst: 10, acknowledge: 'always', each: 2 / 10 },
    { burst: 10, acknowledge: 'needed', each: 33 / 320 },
  ] as const)(
    'acknowledge $acknowledge, bursts of $burst: $each for a message',
    async (cost) => {
      const { service, clock, settle, got, publisher } = await startOnClock(0);
      running.push(service);
      const client = await publisher({ acknowledge: cost.acknowledge });
      const nobody = service.gateway.meters;
      const bursts = 64;
      for (let burst = 1; burst <= bursts; burst += 1) {
        for (const text of numbers(cost.burst)) client.publish('t', text);
        while (got.length < burst * cost.burst) await settle();
        await clock.advance(spacingMs);
      }
      const answered = ({ invocations, routeResponses }: typeof nobody) =>
        invocations.$default === routeResponses;
      while (!answered(service.gateway.meters)) await new Promise(setImmediate);
      const { meteredMessagesIn, routeResponses } = service.gateway.meters;
      const messages = meteredMessagesIn - nobody.meteredMessagesIn + routeResponses - nobody.routeResponses;
      expect(messages / (bursts * cost.burst)).toBeCloseTo(cost.each, 10);
    },
    60_000,
  );
});
