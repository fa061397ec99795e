import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { inject } from 'vitest';
import WebSocket from 'ws';
import { resolveTarget } from '../../lib/cli/target.ts';
import { websocketFactory } from '../../lib/client/index.ts';
import { createTenantWithKey } from '../../lib/local/operator/create-tenant-with-key.ts';
import { mintToken } from '../../lib/local/operator/mint-token.ts';

export interface Tenant {
  readonly name: string;
  token(options?: { ttlSeconds?: number; publish?: string[]; subscribe?: string[] }): Promise<string>;
}

export interface Client extends MqttClient {
  /** Terminates the TCP connection without a closing handshake. */
  cut(): void;
}

export interface Clients {
  readonly url: string;
  /** Creates a tenant in the deployed table as `wisp tenant create` does. `close` deletes it. */
  tenant(): Promise<Tenant>;
  /** Opens MQTT.js over the adapter without reconnecting. {@link connected} waits for CONNACK. */
  open(options: Partial<IClientOptions>, url?: string): Client;
  connect(tenant: Tenant, options?: Partial<IClientOptions>): Promise<Client>;
  close(): Promise<void>;
}

export async function openClients(): Promise<Clients> {
  const { url, options } = inject('deployed');
  const { admin } = await resolveTarget(options).connect();
  const keyDirectory = await mkdtemp(join(tmpdir(), 'wisp-keys-'));
  const tenants: string[] = [];
  const clients: MqttClient[] = [];

  function open(overrides: Partial<IClientOptions>, at = url): Client {
    let socket: WebSocket | undefined;
    class Cuttable extends WebSocket {
      constructor(...args: ConstructorParameters<typeof WebSocket>) {
        super(...args);
        socket = this;
      }
    }
    const createWebsocket = websocketFactory({ WebSocket: Cuttable });
    const client = mqtt.connect(at, {
      protocolVersion: 5,
      reconnectPeriod: 0,
      connectTimeout: 50_000,
      createWebsocket: createWebsocket as unknown as NonNullable<IClientOptions['createWebsocket']>,
      forceNativeWebSocket: true,
      ...overrides,
    });
    clients.push(client);
    return Object.assign(client, { cut: () => socket?.terminate() });
  }

  return {
    url,
    async tenant() {
      const name = `e2e-${randomBytes(5).toString('hex')}`;
      tenants.push(name);
      const { key } = await createTenantWithKey({ admin, name, keyDirectory, nowMs: Date.now() });
      return {
        name,
        token: ({ ttlSeconds = 600, ...filters } = {}) =>
          mintToken({
            tenant: name,
            key,
            ttlSeconds,
            nowSeconds: Math.floor(Date.now() / 1000),
            ...filters,
          }),
      };
    },
    open,
    async connect(tenant, overrides = {}) {
      const client = open({ username: tenant.name, password: await tenant.token(), ...overrides });
      await connected(client);
      return client;
    },
    async close() {
      await Promise.all(clients.map((client) => client.endAsync(true)));
      for (const name of tenants) await admin.delete(name);
      await rm(keyDirectory, { recursive: true });
    },
  };
}

/**
 * Waits for CONNACK.
 * @returns whether a session was resumed.
 * @throws an error with the reason code in `code` if CONNECT is refused.
 */
export function connected(client: MqttClient): Promise<boolean> {
  return new Promise((resolve, reject) => {
    client.once('connect', ({ sessionPresent }) => resolve(sessionPresent));
    client.once('error', reject);
    client.once('close', () => reject(new Error('closed before CONNACK')));
  });
}

/**
 * Waits until the connection closes.
 * @returns the reason code of the server's DISCONNECT, if any.
 */
export async function disconnected(client: MqttClient): Promise<number | undefined> {
  let code: number | undefined;
  client.once('disconnect', ({ reasonCode }) => {
    code = reasonCode;
  });
  await new Promise<void>((resolve) => client.once('close', () => resolve()));
  return code;
}
