import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { ConnectionAddress, Session } from '../../lib/core/model.ts';
import type { Ports } from '../../lib/core/ports.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { createManualClock, type ManualClock } from '../../lib/local/clock.ts';
import type { ConnectPacket } from '../../lib/mqtt/types.ts';
import { type Got, type OpenOptions, openRaw, type RawClient } from '../support/raw-client.ts';
import {
  type LocalServiceOptions,
  type Mint,
  startTestService,
  type TestService,
} from '../support/service.ts';
import { publish, subscribe } from './packets.ts';

export type ConnectFields = Partial<Omit<ConnectPacket, 'cmd'>> & {
  /** Claims of the token in addition to the default ones. */
  readonly claims?: Record<string, unknown>;
  /** Replaces the token that the tenant signs. */
  readonly token?: string;
};

/** A client with an accepted CONNECT. */
export interface Connected extends RawClient {
  readonly clientId: string;
  readonly connack: Got;
  /** Packets that were pushed before CONNACK: queued messages of the session. */
  readonly waited: readonly Got[];
}

/**
 * One service for a file of tests, with a shadow tenant: each client has a double there, with the
 * same client id and a subscription to `#`. After each test no message may have reached a double,
 * every double must still be connected, and a bystander must be served. After the file no log line
 * may hold a token, a payload or a user property, no handler may have failed, and the shadow tenant
 * may have no retained message.
 */
export interface Suite {
  readonly service: TestService;
  readonly clock: ManualClock;
  readonly mint: Mint;
  /** Goes into payloads and properties, and must never occur in a log line. */
  readonly secret: string;
  /** A payload that contains the secret. */
  text(label: string): string;
  /** A WebSocket without CONNECT. */
  open(options?: OpenOptions): Promise<RawClient>;
  /**
   * A valid CONNECT; `fields` override the defaults (5.0, clean, a new client id, a token for all
   * topics).
   */
  connectPacket(fields?: ConnectFields): Promise<ConnectPacket>;
  /** Connects and expects to be accepted. */
  connect(fields?: ConnectFields): Promise<Connected>;
  /** Creates another tenant and returns its mint. */
  tenant(name: string): Promise<Mint>;
  /** Advances the clock in steps and waits for the timers of each step. */
  advance(seconds: number): Promise<void>;
  session(clientId: string): Promise<Session | undefined>;
  /** Cuts the client's network connection; `silently`: without `$disconnect`. */
  cut(client: Connected, how?: 'silently'): Promise<void>;
  /**
   * Waits until the service has released all connections of the first tenant except those of `but`.
   */
  released(...but: readonly Connected[]): Promise<void>;
  /** Like `released`, for another tenant. */
  releasedIn(tenant: string): Promise<void>;
}

/**
 * Short enough for chained timers to fire one after the other, and for no connection to idle too
 * long.
 */
const stepSeconds = 60;
let clientIds = 0;

/** How the clients of a suite reach the service. */
export interface SuiteTransport {
  open(options: OpenOptions): Promise<RawClient>;
  close(): Promise<void>;
}

/** @param connectVia default: clients of the gateway. */
export function useSuite(
  options: Partial<LocalServiceOptions> = {},
  connectVia: (service: TestService) => SuiteTransport | Promise<SuiteTransport> = throughGateway,
): Suite {
  const secret = `secret-${randomBytes(8).toString('hex')}`;
  const clock = createManualClock();
  const tokens = new Set<string>();
  const registry = connectionRegistry();
  const doubles = new Map<string, Connected>();
  let opened: RawClient[] = [];
  let started: { service: TestService; mint: Mint; shadow: Mint; transport: SuiteTransport } | undefined;
  let bystander: Connected | undefined;

  const parts = () => {
    if (started === undefined) throw new Error('The suite has not started');
    return started;
  };

  async function mintOf(service: TestService, name: string): Promise<Mint> {
    const mint = await service.tenant(name);
    const recorded = async (claims?: Record<string, unknown>): Promise<string> => {
      const token = await mint(claims);
      tokens.add(token);
      return token;
    };
    return Object.assign(recorded, { tenant: name });
  }

  async function packetFor(mint: Mint, fields: ConnectFields): Promise<ConnectPacket> {
    const { claims, token, ...rest } = fields;
    clientIds += 1;
    return {
      cmd: 'connect',
      protocolId: rest.protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
      protocolVersion: 5,
      clientId: `client-${clientIds}`,
      clean: true,
      keepalive: 0,
      username: mint.tenant,
      password: Buffer.from(token ?? (await mint({ exp: undefined, ...claims }))),
      ...rest,
    };
  }

  async function connectTo(mint: Mint, fields: ConnectFields): Promise<Connected> {
    const packet = await packetFor(mint, fields);
    const client = await parts().transport.open({ version: packet.protocolVersion });
    const { replies, pushes, closed } = await client.exchange(packet);
    const [connack] = replies;
    if (connack?.cmd !== 'connack')
      throw new Error(`No CONNACK: ${JSON.stringify({ replies, pushes, closed })}`);
    const { assignedClientIdentifier } = (connack.properties ?? {}) as { assignedClientIdentifier?: string };
    return Object.defineProperties(client, {
      clientId: { value: assignedClientIdentifier ?? packet.clientId },
      connack: { value: connack },
      waited: { value: pushes },
    }) as Connected;
  }

  async function aBystander(): Promise<Connected> {
    if (bystander !== undefined && !bystander.isClosed) return bystander;
    bystander = await connectTo(parts().shadow, { clientId: 'bystander' });
    await bystander.send(subscribe(1, { topic: 'bystander', qos: 1 }));
    return bystander;
  }

  async function double(clientId: string): Promise<void> {
    if (doubles.has(clientId)) return;
    const client = await connectTo(parts().shadow, { clientId });
    await client.send(subscribe(1, { topic: '#', qos: 2 }));
    doubles.set(clientId, client);
  }

  beforeAll(async () => {
    const service = await startTestService({
      clock,
      ...options,
      wrapPorts: (ports) => registry.wrap(options.wrapPorts?.(ports) ?? ports),
      faults: {
        ...options.faults,
        dropDisconnect: ({ connectionId }) => registry.silenced.has(connectionId),
      },
    });
    started = {
      service,
      mint: await mintOf(service, 'acme'),
      shadow: await mintOf(service, 'shadow'),
      transport: await connectVia(service),
    };
  });

  afterEach(async () => {
    for (const client of opened) if (!client.isClosed) await client.close();
    opened = [];
    await suite.released();
    for (const [clientId, client] of doubles) {
      expect.soft(client.isClosed, `the other tenant's ${clientId} is closed`).toBe(false);
      if (client.isClosed) continue;
      expect.soft(await client.settle(), `what reached the other tenant's ${clientId}`).toEqual([]);
      await client.exchange({ cmd: 'disconnect', reasonCode: 0 });
    }
    doubles.clear();
    const other = await aBystander();
    const served = await other.exchange(publish('bystander', secret, { qos: 1, messageId: 9 }));
    expect(served, 'a bystander is served').toMatchObject({
      replies: [{ cmd: 'puback', messageId: 9 }],
      pushes: [{ cmd: 'publish', topic: 'bystander', payload: secret }],
    });
    await other.send({ cmd: 'puback', messageId: Number(served.pushes[0]?.messageId) });
  });

  afterAll(async () => {
    const { service, transport } = parts();
    const retained = await (await aBystander()).exchange(subscribe(2, '#'));
    await transport.close();
    await service.close();
    expect(retained.pushes, 'retained messages in the other tenant').toEqual([]);
    const signatures = [...tokens].map((token) => token.split('.')[2] ?? token);
    for (const line of service.logged) {
      if (line.includes(secret)) throw new Error(`A payload or property was logged: ${line}`);
      if (line.includes('"level":"error"')) throw new Error(`A handler failed: ${line}`);
      if (signatures.some((signature) => signature !== '' && line.includes(signature)))
        throw new Error('A token was logged');
    }
  });

  const suite: Suite = {
    get service() {
      return parts().service;
    },
    clock,
    get mint() {
      return parts().mint;
    },
    secret,
    text: (label) => `${label} ${secret}`,
    async open(openOptions) {
      const client = await parts().transport.open(openOptions ?? {});
      opened.push(client);
      return client;
    },
    connectPacket: (fields = {}) => packetFor(parts().mint, fields),
    async connect(fields = {}) {
      const client = await connectTo(parts().mint, fields);
      opened.push(client);
      await double(client.clientId);
      return client;
    },
    tenant: (name) => mintOf(parts().service, name),
    async advance(seconds) {
      for (let left = seconds; left > 0; left -= stepSeconds) {
        await clock.advance(Math.min(left, stepSeconds) * 1000);
        await parts().service.queues.idle();
        for (const client of [...doubles.values(), bystander])
          if (client !== undefined && !client.isClosed) await client.send({ cmd: 'pingreq' });
      }
    },
    async session(clientId) {
      const key = { tenant: vouchedTenantId(parts().mint.tenant), clientId };
      const session = await parts().service.stores.sessions.get(key);
      return session?.swept === true ? undefined : session;
    },
    async cut(client, how) {
      const address = (await suite.session(client.clientId))?.address;
      if (address === undefined) throw new Error('The client holds no connection');
      if (how === 'silently') registry.silenced.add(address);
      if (!parts().service.gateway.cut(address)) throw new Error('The gateway has no such connection');
      await client.closed;
      if (how === undefined) await registry.gone(address);
    },
    async releasedIn(tenant) {
      for (const address of registry.addressesOf(tenant)) await registry.gone(address);
    },
    async released(...but) {
      const kept = await Promise.all(
        but.map(async ({ clientId }) => (await suite.session(clientId))?.address),
      );
      for (const address of registry.addressesOf(parts().mint.tenant))
        if (!kept.includes(address) && !registry.silenced.has(address)) await registry.gone(address);
    },
  };
  return suite;
}

function throughGateway({ url }: TestService): SuiteTransport {
  return { open: (options) => openRaw(url, options), close: async () => {} };
}

/** Tracks which connections have a row, and tells when a row is deleted. */
function connectionRegistry() {
  const tenants = new Map<ConnectionAddress, string>();
  const wake: (() => void)[] = [];
  return {
    /** Addresses for which `$disconnect` is dropped. */
    silenced: new Set<string>(),
    addressesOf: (tenant: string) =>
      [...tenants].filter(([, holder]) => holder === tenant).map(([address]) => address),
    async gone(address: ConnectionAddress): Promise<void> {
      while (tenants.has(address)) await new Promise<void>((resolve) => wake.push(resolve));
    },
    wrap: (ports: Ports): Ports => ({
      ...ports,
      connections: {
        ...ports.connections,
        async create(connection) {
          const created = await ports.connections.create(connection);
          if (created) tenants.set(connection.address, connection.tenant);
          return created;
        },
        async delete(address) {
          await ports.connections.delete(address);
          tenants.delete(address);
          for (const resolve of wake.splice(0)) resolve();
        },
      },
    }),
  };
}
