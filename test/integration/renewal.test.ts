/** `wisp-mqtt-client/connect` and the local service, over lifetimes of tokens. The clock jumps. */
import type { MqttClient, Packet } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ConnectOptions, connect, type TokenReason } from '../../lib/client/connect-node.ts';
import { inbox, type Mint, type TestService } from '../support/service.ts';
import { lifetimeSeconds, type PassingTime, startPassingTime } from './passing-time.ts';

let time: PassingTime;
let service: TestService;
let mint: Mint;
const clients: MqttClient[] = [];
beforeAll(async () => {
  time = await startPassingTime();
  ({ service, mint } = time);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
});
afterAll(() => service.close());

const shortToken = () => time.shortToken();
const nowSeconds = () => time.nowSeconds();
const counted = <Result>(work: Promise<Result>) => time.counted(work);
const pass = (seconds: number) => time.pass(seconds);
const advanceUntil = (event: Promise<unknown>, seconds?: number) => time.advanceUntil(event, seconds);

function open(options: Partial<ConnectOptions> = {}, url = service.url) {
  const reasons: TokenReason[] = [];
  const errors: Error[] = [];
  const { getToken = shortToken, ...rest } = options;
  const client = connect(url, {
    tenant: mint.tenant,
    clock: time.clientClock,
    random: () => 0.5,
    keepalive: 0,
    getToken: (reason) => {
      reasons.push(reason);
      return getToken(reason);
    },
    ...rest,
  });
  client.on('error', (error) => errors.push(error));
  const opening = time.countOpening();
  const connectOnce = client.connect.bind(client);
  client.connect = () => {
    opening(true);
    return connectOnce();
  };
  client.on('connect', () => opening(false));
  // Before the client's own listener, which may open the next connection at once.
  client.prependListener('close', () => opening(false));
  clients.push(client);
  return { client, reasons, errors };
}

function next(client: MqttClient, event: 'connect' | 'close' | 'error' | 'disconnect'): Promise<unknown> {
  return new Promise((resolve) => {
    client.once(event, resolve as never);
  });
}

function nextPacket(client: MqttClient, cmd: Packet['cmd']): Promise<Packet> {
  return new Promise((resolve) => {
    const listener = (packet: Packet) => {
      if (packet.cmd !== cmd) return;
      client.off('packetreceive', listener);
      resolve(packet);
    };
    client.on('packetreceive', listener);
  });
}

describe.each([4, 5] as const)('a client of protocol version %i', (protocolVersion) => {
  it('stays connected over three lifetimes of tokens and loses no message', async () => {
    const watcher = await service.connect(mint, {
      password: await mint({ exp: 2_000_000_000 }),
      keepalive: 0,
    });
    await watcher.subscribeAsync('up/#', { qos: 1 });
    const sentUp = inbox(watcher);
    const texts: string[] = [];
    const send = async (text: string) => {
      texts.push(text);
      await Promise.all([
        client.publishAsync('up/x', text, { qos: 1 }),
        watcher.publishAsync('down', text, { qos: 1 }),
      ]);
    };
    const sent: Promise<void>[] = [];
    const { client, reasons, errors } = open({
      protocolVersion,
      clientId: `three-${protocolVersion}`,
      ...(protocolVersion === 4 ? { clean: false } : {}),
      getToken(reason) {
        // These are under way while the token is renewed.
        if (reason === 'renew') for (let n = 1; n <= 5; n += 1) sent.push(send(`renewal ${sent.length}`));
        return shortToken();
      },
      will: { topic: 'up/will', payload: Buffer.from('gone'), qos: 1, retain: false },
    });
    await next(client, 'connect');
    const sentDown = inbox(client);
    await client.subscribeAsync('down', { qos: 1 });
    let disconnects = 0;
    client.on('close', () => {
      disconnects += 1;
    });

    for (let seconds = 0; seconds < 3 * lifetimeSeconds; seconds += 20) {
      sent.push(send(`at ${seconds}`));
      await pass(20);
    }
    await advanceUntil(Promise.all(sent));
    await send('last');

    const untilLast = async (box: typeof sentUp) => {
      const got = new Set<string>();
      while (!got.has('last')) got.add((await box.next()).text);
      return got;
    };
    expect(await untilLast(sentUp)).toEqual(new Set(texts));
    expect(await untilLast(sentDown)).toEqual(new Set(texts));
    expect(reasons).toEqual(['connect', 'renew', 'renew', 'renew']);
    expect(disconnects).toBe(protocolVersion === 5 ? 0 : 3);
    expect(errors).toEqual([]);
  });

  it('is back with a fresh token after its token has ended', async () => {
    let tokens = 0;
    const { client, reasons, errors } = open({
      protocolVersion,
      getToken: (reason) => {
        if (reason === 'renew') throw new Error('token service is down');
        tokens += 1;
        return shortToken();
      },
    });
    await next(client, 'connect');
    const closed = next(client, 'close');
    const back = next(client, 'connect');
    await advanceUntil(closed, 30);
    expect(await advanceUntil(back)).toBeLessThan(10);
    expect(tokens).toBe(2);
    expect(reasons.at(-1)).toBe('refused');
    expect(errors.map(({ message }) => message)).toContain('token service is down');
  });

  it('asks for another token after a refusal, and tells the refusal', async () => {
    const { client, reasons, errors } = open({
      protocolVersion,
      getToken: (reason) => (reason === 'refused' ? shortToken() : counted(mint({ exp: nowSeconds() - 10 }))),
    });
    await advanceUntil(next(client, 'connect'));
    expect(reasons).toEqual(['connect', 'refused']);
    expect(errors).toMatchObject([{ code: protocolVersion === 5 ? 0x87 : 5 }]);
  });

  it('never gives up while it is refused, at most every five minutes', async () => {
    const ended = await mint({ exp: nowSeconds() - 10 });
    const { client, errors } = open({ protocolVersion, random: () => 0.999, getToken: () => ended });
    let seen = 0;
    const many = new Promise<void>((resolve) => {
      client.on('error', () => {
        seen += 1;
        if (seen === 15) resolve();
      });
    });
    const tookSeconds = await advanceUntil(many, 20);
    // 1 + 2 + 4 + … + 256 s, then 300 s each.
    expect(tookSeconds).toBeGreaterThan(1_800);
    expect(errors.length).toBe(15);
  });
});

describe('a client', () => {
  it('is back after the two hours of a connection', async () => {
    const { client, reasons, errors } = open({
      getToken: () => counted(mint({ exp: nowSeconds() + 86_400 })),
    });
    await next(client, 'connect');
    await client.subscribeAsync('two/hours', { qos: 1 });
    const back = next(client, 'connect');
    const closed = next(client, 'close');
    for (let minutes = 0; minutes < 117; minutes += 9) {
      await pass(9 * 60);
      await client.publishAsync('tick', '', { qos: 1 });
    }
    await advanceUntil(closed, 30);
    const messages = inbox(client);
    const publisher = await service.connect(mint, { keepalive: 0 });
    await publisher.publishAsync('two/hours', 'meanwhile', { qos: 1 });
    await advanceUntil(back);
    expect(await back).toMatchObject({ sessionPresent: true });
    expect((await messages.next()).text).toBe('meanwhile');
    expect(reasons).toEqual(['connect', 'connect']);
    expect(errors).toEqual([]);
  });

  it('says after three attempts that it cannot connect, and goes on', async () => {
    const { client, errors } = open({}, service.url.replace(/mqtt$/, 'nowhere'));
    await advanceUntil(next(client, 'error'), 5);
    expect(errors[0]?.message).toMatch(/^3 attempts to connect have failed: .*; trying again$/);
    await advanceUntil(next(client, 'error'), 5);
    expect(errors[1]?.message).toMatch(/^4 attempts/);
  });

  it('tells that no token comes, and goes on asking', async () => {
    const answers: (() => string | Promise<string>)[] = [
      () => new Promise<string>(() => {}),
      () => '',
      () => Promise.reject(new Error('offline')),
    ];
    const { client, errors } = open({ getToken: () => answers.shift()?.() ?? shortToken() });
    await advanceUntil(next(client, 'connect'));
    expect(errors.map(({ message }) => message)).toEqual([
      'getToken has not answered for 30 s; asking again',
      'getToken returned no token; asking again',
      'offline',
    ]);
  });

  it('does not send a cached token again, and gets the next one in time', async () => {
    let token = await shortToken();
    const { client } = open({ getToken: () => token });
    await next(client, 'connect');
    await pass(lifetimeSeconds * 0.9);
    const renewed = nextPacket(client, 'auth');
    token = await shortToken();
    await advanceUntil(renewed);
    expect(client.connected).toBe(true);
  });

  it('can end before its first token, and while it waits to reconnect', async () => {
    const early = open({ getToken: () => new Promise<string>(() => {}) });
    await early.client.endAsync();
    const refused = open({ getToken: () => mint({ exp: nowSeconds() - 10 }) });
    await next(refused.client, 'close');
    await refused.client.endAsync();
    await time.clock.advance(600_000);
    expect(refused.reasons).toEqual(['connect']);
    expect(early.errors).toEqual([]);
  });

  it('keeps a session that it was told to keep, and none that it was told to drop', async () => {
    const { client } = open({ clean: false, properties: { sessionExpiryInterval: 60 } });
    await next(client, 'connect');
    expect(client.options).toMatchObject({ clean: false, properties: { sessionExpiryInterval: 60 } });
    const other = open({ clean: true });
    await next(other.client, 'connect');
    expect(other.client.options.clean).toBe(true);
    expect(other.client.options.properties?.sessionExpiryInterval).toBeUndefined();
  });
});
