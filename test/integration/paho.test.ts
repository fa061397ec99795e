/** `wisp-mqtt-client/paho` with the package `paho-mqtt` and the local service. The clock jumps. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import ws from 'ws';
import {
  connectPaho,
  type PahoClient,
  type PahoConnectOptions,
  type TokenReason,
} from '../../lib/client/paho.ts';
import { inbox, type Mint, type TestService } from '../support/service.ts';
import { lifetimeSeconds, type PassingTime, startPassingTime } from './passing-time.ts';

interface PahoMessage {
  readonly destinationName: string;
  readonly payloadString: string;
}

interface FullPahoClient extends PahoClient {
  onMessageArrived: (message: PahoMessage) => void;
  onMessageDelivered: (message: PahoMessage) => void;
  onConnectionLost: (lost: { readonly errorCode: number }) => void;
  send(topic: string, payload: string, qos?: number): void;
  subscribe(filter: string, options: { readonly qos: number; readonly onSuccess: () => void }): void;
}

interface Paho {
  readonly Client: new (url: string, clientId: string) => FullPahoClient;
  readonly Message: new (payload: string) => object;
}

let time: PassingTime;
let service: TestService;
let mint: Mint;
let paho: Paho;
const clients: FullPahoClient[] = [];
beforeAll(async () => {
  // Paho looks for its global when a client is made.
  vi.stubGlobal('WebSocket', ws);
  // @ts-expect-error: the package has no types
  ({ default: paho } = await import('paho-mqtt'));
  time = await startPassingTime();
  ({ service, mint } = time);
});
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});
afterAll(() => service.close());

function open(clientId: string, options: Partial<PahoConnectOptions> = {}, url = service.url) {
  const reasons: TokenReason[] = [];
  const errors: Error[] = [];
  const onErrors: (() => void)[] = [];
  const lost: number[] = [];
  const sessions: boolean[] = [];
  const { getToken = time.shortToken, ...rest } = options;
  const client = new paho.Client(url, clientId);
  const opening = time.countOpening();
  const waiting: (() => void)[] = [];
  client.onConnectionLost = ({ errorCode }) => lost.push(errorCode);
  const { connect } = client;
  client.connect = (given: { readonly onFailure?: (failure: unknown) => void }) => {
    opening(true);
    connect({
      ...given,
      onFailure(failure: unknown) {
        opening(false);
        given.onFailure?.(failure);
      },
    });
  };
  connectPaho(client, {
    tenant: mint.tenant,
    clock: time.clientClock,
    random: () => 0.5,
    keepAliveInterval: 0,
    getToken: (reason) => {
      reasons.push(reason);
      return getToken(reason);
    },
    onError(error) {
      errors.push(error);
      for (const resolve of onErrors.splice(0)) resolve();
    },
    onSuccess: ({ sessionPresent }) => {
      opening(false);
      sessions.push(sessionPresent);
      for (const resolve of waiting.splice(0)) resolve();
    },
    ...rest,
  });
  clients.push(client);
  const connected = () => new Promise<void>((resolve) => waiting.push(resolve));
  const failed = () => new Promise<void>((resolve) => onErrors.push(resolve));
  return { client, reasons, errors, lost, sessions, connected, failed };
}

function subscribed(client: FullPahoClient, filter: string): Promise<void> {
  return new Promise((resolve) => client.subscribe(filter, { qos: 1, onSuccess: resolve }));
}

describe('Paho JS', () => {
  it('stays connected over three lifetimes of tokens and loses no message', async () => {
    const watcher = await service.connect(mint, {
      password: await mint({ exp: 2_000_000_000 }),
      keepalive: 0,
    });
    await watcher.subscribeAsync('up/#', { qos: 1 });
    const sentUp = inbox(watcher);
    const texts: string[] = [];
    const gone = new paho.Message('gone') as { destinationName: string };
    gone.destinationName = 'up/will';
    const opened = open('three', {
      willMessage: gone,
      getToken(reason) {
        // These are under way while the token is renewed.
        if (reason === 'renew') for (let n = 1; n <= 5; n += 1) send(`renewal ${texts.length}`);
        return time.shortToken();
      },
    });
    const { client, reasons, errors, lost, sessions } = opened;
    const got: string[] = [];
    const gotLast = new Promise<void>((resolve) => {
      client.onMessageArrived = ({ payloadString }) => {
        got.push(payloadString);
        if (payloadString === 'last') resolve();
      };
    });
    let delivered = 0;
    const deliveredLast = new Promise<void>((resolve) => {
      client.onMessageDelivered = ({ payloadString }) => {
        delivered += 1;
        if (payloadString === 'last') resolve();
      };
    });
    const down: Promise<unknown>[] = [];
    function send(text: string): void {
      texts.push(text);
      client.send('up/x', text, 1);
      down.push(watcher.publishAsync('down', text, { qos: 1 }));
    }
    await opened.connected();
    await subscribed(client, 'down');

    for (let seconds = 0; seconds < 3 * lifetimeSeconds; seconds += 20) {
      send(`at ${seconds}`);
      await time.pass(20);
    }
    await time.advanceUntil(Promise.all(down));
    send('last');

    const up: string[] = [];
    while (up.at(-1) !== 'last') up.push((await sentUp.next()).text);
    expect(up).toEqual(texts);
    await Promise.all([gotLast, deliveredLast]);
    expect(new Set(got)).toEqual(new Set(texts));
    expect(delivered).toBe(texts.length);
    expect(reasons).toEqual(['connect', 'renew', 'renew', 'renew']);
    expect(lost).toEqual([0, 0, 0]);
    expect(sessions).toEqual([false, true, true, true]);
    expect(errors).toEqual([]);
  });

  it('is back with a fresh token after its token has ended', async () => {
    const { reasons, errors, lost, sessions, connected } = open('ended', {
      getToken: (reason) => {
        if (reason === 'renew') throw new Error('token service is down');
        return time.shortToken();
      },
    });
    await connected();
    await time.advanceUntil(connected());
    expect(reasons.at(-1)).toBe('refused');
    expect(sessions).toEqual([false, true]);
    expect(lost).toHaveLength(1);
    expect(errors.map(({ message }) => message)).toContain('token service is down');
  });

  it('asks for another token after a refusal, and tells the refusal', async () => {
    const { reasons, errors, connected } = open('refused', {
      getToken: (reason) =>
        reason === 'refused' ? time.shortToken() : time.counted(mint({ exp: time.nowSeconds() - 10 })),
    });
    await time.advanceUntil(connected());
    expect(reasons).toEqual(['connect', 'refused']);
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^the service refuses the client: .*return code:5/),
    ]);
  });

  it('never gives up while the service cannot be reached, and says so', async () => {
    const { errors, failed } = open('nowhere', {}, service.url.replace(/mqtt$/, 'nowhere'));
    await time.advanceUntil(failed(), 5);
    await time.advanceUntil(failed(), 5);
    expect(errors[0]?.message).toMatch(/^3 attempts to connect have failed: .*; trying again$/);
    expect(errors[1]?.message).toMatch(/^4 attempts/);
  });

  it('ends with `disconnect`: before its first token, and between two connections', async () => {
    const early = open('early', { getToken: () => new Promise<string>(() => {}) });
    early.client.disconnect();
    const refused = open('late', { getToken: () => mint({ exp: time.nowSeconds() - 10 }) });
    await refused.failed();
    refused.client.disconnect();
    const open1 = open('open');
    await open1.connected();
    open1.client.disconnect();
    await time.clock.advance(600_000);
    expect([early.reasons, refused.reasons, open1.reasons]).toEqual([['connect'], ['connect'], ['connect']]);
    expect(open1.lost).toEqual([0]);
  });

  it('leaves the global WebSocket as it was', async () => {
    const { connected } = open('global');
    await connected();
    expect(globalThis.WebSocket).toBe(ws);
  });
});
