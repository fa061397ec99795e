import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import {
  type TenantConfig,
  tenantConfigFormatVersion,
  wispAudience,
  wispIssuer,
} from '../../lib/auth/index.ts';
import { createWebsocket } from '../../lib/client/node.ts';
import { createLocalLog } from '../../lib/local/log.ts';
import {
  type LocalService,
  type LocalServiceOptions,
  localTables,
  startLocalService,
} from '../../lib/local/service.ts';

export { type LocalServiceOptions, localTables };

export interface TestService extends LocalService {
  readonly url: string;
  /** All logged lines. */
  readonly logged: string[];
  readonly counters: ReadonlyMap<string, number>;
  /** How often each code was noted. */
  readonly refusals: ReadonlyMap<string, number>;
  /** Creates a tenant and returns its mint. */
  tenant(name: string, config?: Partial<TenantConfig>): Promise<Mint>;
  /** Connects MQTT.js through the adapter and waits for CONNACK. */
  connect(mint: Mint, options?: Partial<IClientOptions>): Promise<MqttClient>;
}

/** Signs tokens of one tenant. Claims replace the defaults (all topics, one hour). */
export interface Mint {
  readonly tenant: string;
  (claims?: Record<string, unknown>): Promise<string>;
}

/** Starts the local service in this process and in memory, with MQTT.js clients. */
export async function startTestService(options: Partial<LocalServiceOptions> = {}): Promise<TestService> {
  const logged: string[] = [];
  const log = createLocalLog('debug', (line) => logged.push(line));
  const service = await startLocalService({ log, ...options });
  const clients: MqttClient[] = [];
  const nowSeconds = (): number => Math.floor(service.service.nowMs() / 1000);

  return {
    ...service,
    url: service.gateway.url,
    logged,
    counters: log.counters,
    refusals: log.refusals,
    async tenant(name, overrides = {}) {
      const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
      const config = {
        formatVersion: tenantConfigFormatVersion,
        status: 'active',
        createdAtMs: service.service.nowMs(),
        issuers: [
          {
            iss: wispIssuer(name),
            audience: wispAudience,
            keys: { kind: 'inline', keys: [await exportJWK(publicKey)] },
          },
        ],
        ...overrides,
      } as unknown as TenantConfig;
      await service.stores.tenantAdmin.create(name, config);
      const mint = (claims: Record<string, unknown> = {}): Promise<string> =>
        new SignJWT({ mqtt: { publish: ['#'], subscribe: ['#'] }, exp: nowSeconds() + 3600, ...claims })
          .setProtectedHeader({ alg: 'ES256' })
          .setIssuer(wispIssuer(name))
          .setAudience(wispAudience)
          .sign(privateKey);
      return Object.assign(mint, { tenant: name });
    },
    async connect(mint, overrides = {}) {
      const client = mqtt.connect(service.gateway.url, await adapterOptions(mint, overrides));
      clients.push(client);
      await new Promise<void>((resolve, reject) => {
        client.once('connect', () => resolve());
        client.once('error', reject);
        client.once('close', () => reject(new Error('closed before CONNACK')));
      });
      return client;
    },
    async close() {
      await Promise.all(clients.map((client) => client.endAsync(true)));
      await service.close();
    },
  };
}

/**
 * Options with which MQTT.js connects through the adapter, with a token of `mint` as its password.
 */
export async function adapterOptions(
  mint: Mint,
  overrides: Partial<IClientOptions> = {},
): Promise<IClientOptions> {
  return {
    username: mint.tenant,
    password: await mint(),
    protocolVersion: 5,
    reconnectPeriod: 0,
    createWebsocket: createWebsocket as unknown as NonNullable<IClientOptions['createWebsocket']>,
    forceNativeWebSocket: true,
    ...overrides,
  };
}

/** Collects the messages of a client. `next` waits for one. */
export function inbox(client: MqttClient) {
  const waiting: ((message: Received) => void)[] = [];
  const received: Received[] = [];
  client.on('message', (topic, payload, packet) => {
    const message: Received = {
      topic,
      text: payload.toString(),
      qos: packet.qos,
      retain: packet.retain,
      dup: packet.dup,
      properties: packet.properties ?? {},
    };
    const taker = waiting.shift();
    if (taker === undefined) received.push(message);
    else taker(message);
  });
  const next = (): Promise<Received> => {
    const message = received.shift();
    return message === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(message);
  };
  return {
    received,
    next,
    async take(count: number): Promise<Received[]> {
      const taken: Received[] = [];
      while (taken.length < count) taken.push(await next());
      return taken;
    },
  };
}

export interface Received {
  readonly topic: string;
  readonly text: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly properties: Record<string, unknown>;
}
