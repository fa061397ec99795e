import { describe, expect, it } from 'vitest';
import { encodePacket } from '../../lib/mqtt/index.ts';
import { encodeChunks } from '../../lib/wire/index.ts';
import { type Got, handshake } from '../support/raw-client.ts';
import { publish, subscribe } from './packets.ts';
import { useSuite } from './suite.ts';

const suite = useSuite();
const disconnected = (reasonCode: number) => [
  { cmd: 'disconnect', reasonCode, properties: { reasonString: expect.any(String) } },
];
const maxPacketBytes = 131_072;
const frameBytes = 24_000;

/** A PUBLISH of exactly `bytes` bytes. */
function publishOf(bytes: number, topic = 'big') {
  const overhead = (payload: number) =>
    encodePacket(publish(topic, Buffer.alloc(payload)), 5).length - payload;
  const guess = bytes - overhead(bytes - 10);
  const packet = publish(topic, Buffer.alloc(bytes - overhead(guess), suite.secret));
  expect(encodePacket(packet, 5)).toHaveLength(bytes);
  return packet;
}

describe('the handshake', () => {
  it('echoes the subprotocol, even among others', async () => {
    const { url } = suite.service;
    const good = { status: 101, subprotocol: 'wisp.b64.v1' };
    expect(await handshake(url, ['wisp.b64.v1'])).toEqual(good);
    expect(await handshake(url, ['mqtt', 'wisp.b64.v1'])).toEqual(good);
  });

  it.each([[[]], [['mqtt']], [['wisp.b64.v2', 'wisp']]])('refuses %j with 400', async (offered) => {
    expect(await handshake(suite.service.url, offered)).toEqual({ status: 400 });
  });
});

describe('frames that violate the wire profile', () => {
  it('a binary frame is closed with 1003, and the session resumes later', async () => {
    const fields = { clientId: 'binary', clean: false, properties: { sessionExpiryInterval: 60 } };
    const client = await suite.connect(fields);
    client.sendMessage(Uint8Array.of(0xc0, 0));
    expect((await client.closed).code).toBe(1003);
    await suite.released();
    expect((await suite.connect(fields)).connack).toMatchObject({ sessionPresent: true });
  });

  it.each([32 * 1024 + 1, 128 * 1024 + 1])('a frame of %i bytes is closed with 1009', async (bytes) => {
    const client = await suite.connect();
    client.sendMessage('A'.repeat(bytes));
    expect((await client.closed).code).toBe(1009);
  });

  it.each([
    ['no base64', '?'],
    ['base64 without padding', 'wA'],
    ['base64 with bits behind the last byte', 'wAB='],
    ['base64 of the URL alphabet', '-_-_'],
    ['base64 with a line break', 'wAA\n'],
    ['white space', ' '],
    ['text', 'hello, broker'],
    ['JSON', '{"message":"Forbidden"}'],
    ['a route response', '.wAA='],
    ['two heartbeats', '..'],
    ['too much base64 for a frame', 'A'.repeat(32_004), 0x95],
    ['a partial packet', Buffer.from([0xc0]).toString('base64')],
    ['a packet and a partial packet', Buffer.from([0xc0, 0, 0x30, 9, 0]).toString('base64')],
    ['a length of five bytes', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]).toString('base64')],
    ['a chunk without header', '~'],
    ['a chunk with a bad id', `~A:0:2:${'A'.repeat(32_000)}`],
    ['a chunk of one', `~a:0:1:${'A'.repeat(32_000)}`],
    ['a chunk beyond the count', `~a:2:2:${'A'.repeat(32_000)}`],
    ['a short first chunk', '~a:0:2:AAAA'],
    ['an empty last chunk', '~a:1:2:'],
    [
      'chunks of a packet that fits into a frame',
      `~a:0:2:${Buffer.concat([Buffer.from([0x30, 3]), Buffer.alloc(23_998)]).toString('base64')}`,
    ],
    ['a chunk that is no base64', `~a:0:2:${'?'.repeat(32_000)}`],
  ])('%s', async (_, text, reasonCode: number = 0x81) => {
    for (const protocolVersion of [4, 5] as const) {
      const client = await suite.connect({ protocolVersion });
      const { replies, pushes, closed } = await client.exchangeText(text);
      expect(closed).toEqual({ code: 1000, reason: '' });
      expect(replies).toEqual([]);
      expect(pushes.filter(({ cmd }) => cmd !== 'pingresp')).toEqual(
        protocolVersion === 5 ? disconnected(reasonCode) : [],
      );
      const stranger = await suite.open();
      expect((await stranger.exchangeText(text)).closed).toBeDefined();
      expect(stranger.texts).toEqual([]);
    }
  });

  it('a CONNECT in chunks', async () => {
    const client = await suite.open();
    const packet = await suite.connectPacket({
      will: { topic: 'w', payload: Buffer.alloc(30_000), qos: 0, retain: false },
    });
    const { closed } = await client.exchange(packet);
    expect(closed).toBeDefined();
  });
});

describe('large packets', () => {
  it.each([frameBytes, frameBytes + 1, 48_000, 48_001, 100_000, maxPacketBytes])(
    '%i bytes go both ways',
    async (bytes) => {
      const from = await suite.connect();
      const to = await suite.connect();
      await to.send(subscribe(1, 'big'));
      const packet = publishOf(bytes);
      await from.send(packet);
      expect(await to.take(1)).toEqual([
        { cmd: 'publish', topic: 'big', payload: packet.payload.toString() },
      ]);
      expect(to.texts.filter((text) => text.startsWith('~'))).toHaveLength(
        bytes > frameBytes ? Math.ceil(bytes / frameBytes) : 0,
      );
      for (const text of to.texts) expect(text.length).toBeLessThanOrEqual(32 * 1024);
    },
  );

  it('at QoS 2, retained, to an offline session', async () => {
    const fields = { clientId: 'large', clean: false, properties: { sessionExpiryInterval: 60 } };
    const sleeper = await suite.connect(fields);
    await sleeper.send(subscribe(1, { topic: 'large/#', qos: 2 }));
    await sleeper.close();
    await suite.released();
    const from = await suite.connect();
    const payload = Buffer.alloc(120_000, suite.secret);
    await from.send(publish('large/x', payload, { qos: 2, messageId: 1, retain: true }));
    const woken = await suite.connect(fields);
    expect([...woken.waited, ...(await woken.settle())]).toMatchObject([
      { payload: payload.toString(), qos: 2 },
    ]);
    expect((await from.exchange(subscribe(2, 'large/x'))).pushes).toMatchObject([
      { payload: payload.toString(), retain: true },
    ]);
  });

  it('one byte more than Maximum Packet Size ends the connection with 0x95', async () => {
    for (const protocolVersion of [4, 5] as const) {
      const client = await suite.connect({ protocolVersion });
      const { pushes, closed } = await client.exchange(
        publish('big', Buffer.alloc(maxPacketBytes - (protocolVersion === 5 ? 9 : 8))),
      );
      expect(closed).toBeDefined();
      expect(pushes).toEqual(protocolVersion === 5 ? disconnected(0x95) : []);
    }
  });

  it('pushes of several senders interleave, and every packet arrives whole', async () => {
    const to = await suite.connect();
    await to.send(subscribe(1, 'big/#'));
    const senders = await Promise.all(Array.from({ length: 4 }, () => suite.connect()));
    await Promise.all(
      senders.map((from, index) => from.send(publish(`big/${index}`, Buffer.alloc(90_000, `${index}`)))),
    );
    const got = await to.take(4);
    expect(got.map(({ topic, payload }) => [topic, String(payload)]).sort()).toEqual(
      [0, 1, 2, 3].map((index) => [`big/${index}`, `${index}`.repeat(90_000)]),
    );
  });

  it('small messages pass between the chunks of a client, in both directions', async () => {
    const client = await suite.connect();
    await client.send(subscribe(1, 'big', 'small'));
    const other = await suite.connect();
    const packet = publishOf(100_000);
    const texts = encodeChunks('abc', encodePacket(packet, 5));
    const got: Got[] = [];
    for (const [index, text] of texts.entries()) {
      const { pushes, closed } = await client.exchangeText(text);
      expect(closed).toBeUndefined();
      got.push(...pushes);
      await other.send(publish('small', `${index}`));
      got.push(...(await client.exchange(publish('small', `own ${index}`))).pushes);
    }
    expect(got.filter(({ topic }) => topic === 'small')).toHaveLength(2 * texts.length);
    expect(got.filter(({ topic }) => topic === 'big')).toMatchObject([
      { payload: packet.payload.toString() },
    ]);
  });

  it('repeated chunks, and two packets at once, are harmless', async () => {
    const client = await suite.connect();
    await client.send(subscribe(1, 'one', 'two'));
    const [one, two] = ['one', 'two'].map((topic) =>
      encodeChunks(topic, encodePacket(publishOf(60_000, topic), 5)),
    ) as [string[], string[]];
    const got: Got[] = [];
    for (const text of [one[0], two[0], one[0], two[1], one[1], one[2], two[2]]) {
      const { pushes, closed } = await client.exchangeText(text ?? '');
      expect(closed).toBeUndefined();
      got.push(...pushes);
    }
    expect(got.map(({ topic }) => topic)).toEqual(['one', 'two']);
  });

  it('a last chunk without the others ends the connection', async () => {
    const client = await suite.connect();
    const texts = encodeChunks('abc', encodePacket(publishOf(60_000), 5));
    await client.exchangeText(texts[0] ?? '');
    const { pushes, closed } = await client.exchangeText(texts[2] ?? '');
    expect(closed).toBeDefined();
    expect(pushes).toEqual(disconnected(0x81));
  });

  it('chunks of another connection are ignored', async () => {
    const one = await suite.connect();
    const two = await suite.connect();
    const texts = encodeChunks('abc', encodePacket(publishOf(60_000), 5));
    await one.exchangeText(texts[0] ?? '');
    await one.exchangeText(texts[1] ?? '');
    expect((await two.exchangeText(texts[2] ?? '')).closed).toBeDefined();
    await one.send({ cmd: 'pingreq' });
  });
});

describe('replies', () => {
  it('every frame gets exactly one route response', async () => {
    const client = await suite.connect();
    const before = client.texts.length;
    await client.exchangeText('.');
    await client.send(publish('a', suite.secret));
    await client.send({ cmd: 'pingreq' }, { cmd: 'pingreq' });
    await client.send(subscribe(1, 'a'));
    expect(client.texts.slice(before).map((text) => text[0])).toEqual(['.', '.', '.', '.']);
  });

  it('a frame of many packets gets one reply', async () => {
    const client = await suite.connect();
    const packets = Array.from({ length: 2_000 }, () => ({ cmd: 'pingreq' as const }));
    expect(await client.send(...packets)).toHaveLength(2_000);
  });
});
