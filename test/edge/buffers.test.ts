import { connect, type Socket } from 'node:net';
import { expect, it, vi } from 'vitest';
import { metrics } from '../../lib/core/metrics.ts';
import { Channel } from '../../lib/edge/channel.ts';
import { silentLog } from '../support/silent-log.ts';
import { startEdged } from './edged.ts';

/** A CONNECT of 100,000 bytes, without its end. */
const endless = Buffer.concat([Buffer.from('10a08d0600044d5154540402003c', 'hex'), Buffer.alloc(60_000, 1)]);

it('packets that never end cannot use up the memory, and others are served', async () => {
  const {
    service,
    edge,
    connect: connectClient,
  } = await startEdged({
    edge: { maxBufferedBytes: 1024 * 1024, connectTimeoutMs: 60_000 },
  });
  const mint = await service.tenant('acme');
  const sockets: Socket[] = [];
  for (let count = 0; count < 40; count += 1) {
    const socket = connect(edge.mqttPort ?? 0, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(endless);
    sockets.push(socket);
  }
  await vi.waitFor(() => expect(service.counters.get(metrics.edgeClientsSlow) ?? 0).toBeGreaterThan(20));
  expect(service.logged.join()).toContain('buffers-full');
  const client = await connectClient(mint, { clientId: 'fine' });
  await client.publishAsync('t', Buffer.alloc(1_000), { qos: 1 });
  for (const socket of sockets) socket.destroy();
});

/** A channel whose broker answers when the test lets it. */
function channelOf(hold: (bytes: number) => boolean) {
  const calls: string[] = [];
  const answers: (() => void)[] = [];
  const note = (name: string) => () => void calls.push(name);
  const channel = new Channel(
    0,
    'e:EDGE:0' as never,
    {
      hold,
      write: () => {},
      pause: note('pause'),
      resume: note('resume'),
      end: note('end'),
      destroy: (reason) => void calls.push(`destroy ${reason}`),
    },
    {
      broker: {
        packets: () => new Promise((resolve) => answers.push(() => resolve([]))),
        disconnected: async () => {},
      },
      log: silentLog,
      nowMs: () => 0,
      mayServe: () => true,
      admitted: Promise.resolve(true),
      busy: () => undefined,
      left: () => {},
      ended: () => {},
    },
  );
  const answer = async () => {
    await vi.waitFor(() => expect(answers.length).toBeGreaterThan(0));
    answers.shift()?.();
    await new Promise(setImmediate);
  };
  return { channel, calls, answer };
}

/** PUBLISH at QoS 0 of 10,000 bytes. */
const message = Buffer.concat([Buffer.from('30904e000174', 'hex'), Buffer.alloc(9_997)]);

it('a client whose packets can be handled waits for room, and is not ended', async () => {
  const { channel, calls, answer } = channelOf((bytes) => bytes <= 4_096);
  for (let count = 0; count < 5; count += 1) channel.receive(message);
  expect(calls).toEqual(['pause']);
  await answer();
  expect(calls).toEqual(['pause', 'resume']);
});

it('a client without room for a packet that has not ended is ended', async () => {
  const { channel, calls } = channelOf((bytes) => bytes <= 4_096);
  channel.receive(message.subarray(0, 5_000));
  await vi.waitFor(() => expect(calls).toEqual(['pause', 'destroy buffers-full', 'destroy undefined']));
});
