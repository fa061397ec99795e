import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { subprotocol } from '../../lib/client/index.ts';
import { type Clients, connected, openClients, type Tenant } from './clients.ts';

let clients: Clients;
let tenant: Tenant;
beforeAll(async () => {
  clients = await openClients();
  tenant = await clients.tenant();
});
afterAll(() => clients.close());

/** Changes only the signature. */
function forged(token: string): string {
  const at = token.lastIndexOf('.') + 5;
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
}

async function refusal(url: string, protocols: string[]): Promise<number | undefined> {
  const socket = new WebSocket(url, protocols);
  socket.on('error', () => {});
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode?: number }];
  socket.terminate();
  return response.statusCode;
}

describe('a valid token', () => {
  test('in the password', async () => {
    const client = await clients.connect(tenant);
    expect(client.connected).toBe(true);
  });

  test('in the query of the URL', async () => {
    const client = clients.open({}, `${clients.url}?token=${await tenant.token()}`);
    expect(await connected(client)).toBe(false);
  });

  test('in the Authorization header', async () => {
    const headers = { Authorization: `Bearer ${await tenant.token()}` };
    const client = clients.open({ wsOptions: { headers } });
    expect(await connected(client)).toBe(false);
  });
});

describe('an invalid token', () => {
  test.each([
    [4, 4],
    [5, 0x86],
  ] as const)('in the password is refused, MQTT version %i with code %i', async (protocolVersion, code) => {
    const password = forged(await tenant.token());
    const client = clients.open({ protocolVersion, username: tenant.name, password });
    await expect(connected(client)).rejects.toMatchObject({ code });
  });

  test('that has expired is refused', async () => {
    const password = await tenant.token({ ttlSeconds: -60 });
    const client = clients.open({ username: tenant.name, password });
    await expect(connected(client)).rejects.toMatchObject({ code: 0x87 });
  });

  test('in the query is refused at the handshake', async () => {
    const url = `${clients.url}?token=${forged(await tenant.token())}`;
    expect(await refusal(url, [subprotocol])).toBe(401);
  });

  test('of another tenant is refused', async () => {
    const other = await clients.tenant();
    const client = clients.open({ username: tenant.name, password: await other.token() });
    await expect(connected(client)).rejects.toMatchObject({ code: 0x86 });
  });
});

describe('no token', () => {
  test.each([
    [4, 5],
    [5, 0x87],
  ] as const)('is refused, MQTT version %i with code %i', async (protocolVersion, code) => {
    const client = clients.open({ protocolVersion });
    await expect(connected(client)).rejects.toMatchObject({ code });
  });
});

test('a client that does not offer the wire profile is refused', async () => {
  expect(await refusal(clients.url, ['mqtt'])).toBe(400);
});
