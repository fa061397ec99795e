import {
  DeleteConnectionCommand,
  GetConnectionCommand,
  GoneException,
  LimitExceededException,
  PayloadTooLargeException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { describe, expect, test } from 'vitest';
import { createManualClock } from '../../../lib/local/clock.ts';
import { connectAs, gate, start } from './harness.ts';
import { connectRaw } from './raw-client.ts';

const unknownId = 'TXzPWdnOjoECGjA=';
const post = (ConnectionId: string, Data: string | Uint8Array) =>
  new PostToConnectionCommand({ ConnectionId, Data });

describe('POST', () => {
  test('reaches the client as a text frame', async () => {
    const service = await start();
    const { next, connectionId } = await connectAs(service);
    const { $metadata } = await service.client.send(post(connectionId, 'pushed ü'));
    expect($metadata.httpStatusCode).toBe(200);
    expect(await next()).toEqual({ text: 'pushed ü', isBinary: false });
  });

  test.each([32_768, 32_769, 65_536, 131_072])(
    'of %i bytes is one message in frames of at most 32 KB',
    async (size) => {
      const service = await start();
      const client = await connectRaw(service.gateway);
      const { event } = await service.called('$connect');
      // A character that is split between two frames.
      const body = Buffer.from(`${'x'.repeat(32_767)}ü${'y'.repeat(size)}`).subarray(0, size);
      await service.client.send(post(event.requestContext.connectionId, body));
      const frames = [];
      do frames.push(await client.nextFrame());
      while (frames.at(-1)?.fin === false);
      expect(frames.map(({ opcode }) => opcode)).toEqual([1, ...frames.slice(1).map(() => 0)]);
      expect(Math.max(...frames.map(({ payload }) => payload.length))).toBe(32_768);
      expect(frames).toHaveLength(Math.ceil(size / 32_768));
      expect(Buffer.concat(frames.map(({ payload }) => payload)).equals(body)).toBe(true);
    },
  );

  test('over 131,072 bytes is a PayloadTooLargeException, and nothing is sent', async () => {
    const service = await start();
    const { next, connectionId } = await connectAs(service);
    for (const size of [131_073, 500_000]) {
      const error = await service.client.send(post(connectionId, 'x'.repeat(size))).catch((reason) => reason);
      expect(error).toBeInstanceOf(PayloadTooLargeException);
      expect(error.$metadata.httpStatusCode).toBe(413);
    }
    await service.client.send(post(connectionId, 'after'));
    expect((await next()).text).toBe('after');
    expect(service.gateway.meters).toMatchObject({ posts: 1, refusedPosts: { 413: 2 } });
  });

  test('reaches the client in order of the answers to the posts', async () => {
    const service = await start();
    const { next, connectionId } = await connectAs(service);
    for (let count = 0; count < 20; count++) await service.client.send(post(connectionId, String(count)));
    for (let count = 0; count < 20; count++) expect((await next()).text).toBe(String(count));
  });

  test('to a client that does not read is a LimitExceededException once its buffer is full', async () => {
    const service = await start();
    const client = await connectRaw(service.gateway);
    client.socket.pause();
    const { connectionId } = (await service.called('$connect')).event.requestContext;
    const body = 'x'.repeat(131_072);
    let error: unknown;
    // The kernel buffers some megabytes before the gateway's buffer fills.
    for (let count = 0; count < 500 && error === undefined; count++) {
      await service.client.send(post(connectionId, body)).catch((reason) => {
        error = reason;
      });
    }
    expect(error).toBeInstanceOf(LimitExceededException);
    expect(service.gateway.connectionCount()).toBe(1);
  });
});

describe('GET', () => {
  test('tells start, last activity and identity of a connection', async () => {
    const clock = createManualClock();
    const service = await start({}, { clock });
    const { socket, connectionId } = await connectAs(service, { headers: { 'User-Agent': 'test/1.0' } });
    const connectedAt = new Date(clock.now());
    const get = () => service.client.send(new GetConnectionCommand({ ConnectionId: connectionId }));
    expect(await get()).toMatchObject({
      ConnectedAt: connectedAt,
      LastActiveAt: connectedAt,
      Identity: { SourceIp: '127.0.0.1', UserAgent: 'test/1.0' },
    });
    await clock.advance(1_500);
    socket.send('.');
    await service.called('$default');
    expect((await get()).LastActiveAt).toEqual(new Date(clock.now()));
    await clock.advance(1_500);
    await service.client.send(post(connectionId, '.'));
    expect(await get()).toMatchObject({ ConnectedAt: connectedAt, LastActiveAt: new Date(clock.now()) });
  });

  test('tells messages of the client alone as activity where the gateway is set so', async () => {
    const clock = createManualClock();
    const service = await start({}, { clock, postsAreActivity: false });
    const { connectionId } = await connectAs(service);
    const connectedAt = new Date(clock.now());
    await clock.advance(1_500);
    await service.client.send(post(connectionId, '.'));
    const found = await service.client.send(new GetConnectionCommand({ ConnectionId: connectionId }));
    expect(found.LastActiveAt).toEqual(connectedAt);
  });

  test('is JSON with ISO times in milliseconds', async () => {
    const service = await start({}, { clock: createManualClock() });
    const { connectionId } = await connectAs(service);
    const response = await fetch(`${service.gateway.callbackUrl}/@connections/${connectionId}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      connectedAt: '2026-01-01T00:00:00.000Z',
      identity: { sourceIp: '127.0.0.1' },
      lastActiveAt: '2026-01-01T00:00:00.000Z',
    });
  });
});

describe('DELETE', () => {
  test('closes the socket, runs $disconnect, and leaves 410', async () => {
    const service = await start();
    const { closed, connectionId } = await connectAs(service);
    const gone = new DeleteConnectionCommand({ ConnectionId: connectionId });
    expect((await service.client.send(gone)).$metadata.httpStatusCode).toBe(204);
    expect((await closed).code).toBe(1000);
    const { requestContext } = (await service.called('$disconnect')).event;
    expect(requestContext).toMatchObject({
      connectionId,
      disconnectStatusCode: 1000,
      disconnectReason: 'Connection Closed Normally',
    });
    await expect(service.client.send(post(connectionId, 'x'))).rejects.toBeInstanceOf(GoneException);
    await expect(service.client.send(gone)).rejects.toBeInstanceOf(GoneException);
    expect(service.callsOf('$disconnect')).toHaveLength(1);
  });
});

describe('410 Gone', () => {
  test.each([
    ['POST', post(unknownId, 'x')],
    ['GET', new GetConnectionCommand({ ConnectionId: unknownId })],
    ['DELETE', new DeleteConnectionCommand({ ConnectionId: unknownId })],
  ])('answers %s for an unknown connection', async (_name, command) => {
    const { client } = await start();
    // One type for the three commands, for which the client has separate overloads.
    const error = await (client.send as (command: object) => Promise<unknown>)
      .call(client, command)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(GoneException);
    expect(error).toMatchObject({ name: 'GoneException', $metadata: { httpStatusCode: 410 } });
  });

  test('answers while $connect runs, before the upgrade', async () => {
    const service = await start({
      $connect: async ({ requestContext }) => {
        const error = await service.client
          .send(post(requestContext.connectionId, 'x'))
          .catch((reason) => reason);
        return { statusCode: error instanceof GoneException ? 200 : 500 };
      },
    });
    await connectAs(service);
    expect(service.gateway.meters.refusedPosts).toEqual({ 410: 1 });
  });

  test('answers while $disconnect still runs', async () => {
    const { opened, open } = gate();
    const service = await start({ $disconnect: () => opened.then(() => ({ statusCode: 200 })) });
    const { socket, connectionId } = await connectAs(service);
    socket.close();
    await service.called('$disconnect');
    await expect(service.client.send(post(connectionId, 'x'))).rejects.toBeInstanceOf(GoneException);
    open();
  });
});

describe('other requests', () => {
  test('are answered as API Gateway does', async () => {
    const service = await start();
    const { connectionId, next } = await connectAs(service);
    const origin = `http://127.0.0.1:${service.gateway.port}`;
    const request = async (method: string, path: string) => {
      const response = await fetch(`${origin}${path}`, {
        method,
        ...(method === 'POST' ? { body: path } : {}),
      });
      return [response.status, response.headers.get('x-amzn-errortype')];
    };
    const encoded = encodeURIComponent(connectionId);
    expect(await request('POST', `/mqtt/%40connections/${encoded}`)).toEqual([200, null]);
    expect((await next()).text).toContain('%40connections');
    expect(await request('POST', `/mqtt/@connections/${connectionId}?x=1`)).toEqual([200, null]);
    expect(await request('POST', `/other/@connections/${encoded}`)).toEqual([403, 'ForbiddenException']);
    expect(await request('POST', `/@connections/${encoded}`)).toEqual([403, 'ForbiddenException']);
    expect(await request('POST', `/mqtt/connections/${encoded}`)).toEqual([403, 'ForbiddenException']);
    expect(await request('PUT', `/mqtt/@connections/${encoded}`)).toEqual([403, 'ForbiddenException']);
    expect(await request('POST', '/mqtt/@connections/nonsense')).toEqual([400, 'BadRequestException']);
    expect(await request('GET', `/mqtt/@connections/${'x'.repeat(16)}`)).toEqual([
      400,
      'BadRequestException',
    ]);
    expect(await request('GET', '/mqtt/@connections/%zz')).toEqual([400, 'BadRequestException']);
    expect(await request('GET', '/mqtt/@connections/')).toEqual([400, 'BadRequestException']);
    expect(await request('GET', '/mqtt')).toEqual([426, 'UpgradeRequired']);
    expect(await request('GET', '/')).toEqual([403, 'ForbiddenException']);
  });

  test('that break off do not affect the gateway', async () => {
    const service = await start();
    const { connectionId, next } = await connectAs(service);
    const aborter = new AbortController();
    const body = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(10));
        aborter.abort();
      },
    });
    const url = `${service.gateway.callbackUrl}/@connections/${connectionId}`;
    const init: RequestInit & { duplex: 'half' } = {
      method: 'POST',
      body,
      duplex: 'half',
      signal: aborter.signal,
    };
    await expect(fetch(url, init)).rejects.toThrow();
    await service.client.send(post(connectionId, 'still here'));
    expect((await next()).text).toBe('still here');
  });
});
