import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { startTestService, type TestService } from '../support/service.ts';
import { publicKeys } from './issuers.ts';
import { keyPair, type Signer, sign } from './tokens.ts';

let service: TestService;
let provider: Server;
let signer: Signer;
let requests = 0;
const iss = 'https://idp.example/';

beforeAll(async () => {
  signer = await keyPair('RS256', 'key-1');
  provider = createServer((_, response) => {
    requests += 1;
    response.end(JSON.stringify({ keys: publicKeys(signer) }));
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const { port } = provider.address() as AddressInfo;
  service = await startTestService();
  const issuer = (path: string) => ({
    iss,
    keys: { kind: 'jwks-url', url: `http://127.0.0.1:${port}${path}` } as const,
    defaultGrants: { publish: ['a'] },
  });
  await service.tenant('acme', { issuers: [issuer('/jwks')] });
  await service.tenant('lost', {
    issuers: [{ ...issuer(''), keys: { kind: 'jwks-url', url: 'http://127.0.0.1:1/s3cret' } }],
  });
});
afterAll(async () => {
  await service.close();
  await new Promise((resolve) => provider.close(resolve));
});

const mint = () => sign(signer, { iss, exp: Math.floor(Date.now() / 1_000) + 600 });
const mintFor = (tenant: string) => Object.assign(() => mint(), { tenant });

function handshake(query: string): Promise<number> {
  const socket = new WebSocket(`${service.url}?${query}`, 'wisp.b64.v1');
  return new Promise((resolve) => {
    socket.on('open', () => {
      resolve(101);
      socket.terminate();
    });
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
    socket.on('error', () => undefined);
  });
}

describe('a provider’s tokens in the whole service', () => {
  it('are accepted with the tenant as user name or in ?tenant=, and refused without', async () => {
    const client = await service.connect(mintFor('acme'));
    await client.publishAsync('a', 'payload', { qos: 1 });
    expect(await handshake(`tenant=acme&token=${await mint()}`)).toBe(101);
    expect(await handshake(`token=${await mint()}`)).toBe(401);
    expect(await handshake(`tenant=lost&token=${await mint()}`)).toBe(401);
    // Connections share fetched keys.
    expect(requests).toBe(1);
  });

  it('that require a client id longer than a key may hold are refused, even if CONNECT has none', async () => {
    const claims = (bytes: number) => ({
      iss,
      exp: Math.floor(Date.now() / 1_000) + 600,
      mqtt: { clientId: 'é'.repeat(bytes / 2) },
    });
    const connectAs = (bytes: number) => {
      const mintLong = Object.assign(() => sign(signer, claims(bytes)), { tenant: 'acme' });
      return service.connect(mintLong, { clientId: '' }).catch((error: unknown) => error);
    };
    expect(await connectAs(258)).toMatchObject({ code: 0x85 });
    expect(await connectAs(256)).toMatchObject({ connected: true });
  });

  it('that cannot be verified now are refused like those of no tenant; the log has the cause and no secret', async () => {
    const refused = await service.connect(mintFor('lost')).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 0x86 });
    const stranger = await service.connect(mintFor('nobody')).catch((error: unknown) => error);
    expect(stranger).toEqual(refused);
    const lines = service.logged.join('\n');
    expect(lines).toMatch(
      /"keys of an issuer cannot be fetched","code":"keys-connection","source":"127.0.0.1:1"/,
    );
    expect(lines).not.toMatch(/s3cret|eyJ|payload/);
  });
});
