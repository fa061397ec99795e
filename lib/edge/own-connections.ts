import type { Connection, ConnectionAddress } from '../core/model.ts';
import type { Identity } from '../core/permissions.ts';
import type { Ports } from '../core/ports.ts';
import { type ConnectionStore, type PeerState, withToken } from '../core/store-ports/connections.ts';

/**
 * Age after which a frame reads the row of its connection again, in milliseconds. Whoever ends a
 * connection deletes its row and then closes it through the back door. This covers a close that was
 * lost.
 */
const rowMaxAgeMs = 600_000;
/** Tenants whose row is remembered. */
const maxTenants = 10_000;

interface Own {
  connection?: Connection;
  /** The connection, after it has ended. */
  former?: Connection;
  /** When the row was last written or read, in ms since 1970. */
  verifiedAtMs: number;
  pending?: Identity;
  /** Whether the row may exist although writing it has failed. */
  isUnsure?: boolean;
  /** Topic aliases for which the connection's row would have no room. */
  spilledAliases?: Readonly<Record<number, string>>;
}

export interface OwnConnections {
  readonly stores: Pick<Ports, 'connections' | 'pendingIdentities' | 'topicAliases'>;
  isOwn(address: ConnectionAddress): boolean;
  /** From now on this process owns the address, which is new. */
  add(address: ConnectionAddress): void;
  /** The connection that an address has. */
  currentOf(address: ConnectionAddress): Connection | undefined;
  /** The connection that an address had until it ended. */
  formerOf(address: ConnectionAddress): Connection | undefined;
  /** The row has been changed elsewhere: the next frame reads it again. */
  reread(address: ConnectionAddress): void;
  /** Nothing of the address is needed any more. */
  remove(address: ConnectionAddress): void;
}

/**
 * Stores of connections for the process that holds their sockets. It alone changes their rows but
 * for deleting them, so frames, pings and looks take the row from memory. A second CONNECT and
 * SUBSCRIBE read it, to learn whether it has been deleted.
 *
 * What only this process needs is not written: the identity of a handshake, topic aliases, the use
 * of rates, watches. Written are the row itself, for the processes that take the session over or
 * end the connection, and a renewed token, for those that look for revoked ones.
 *
 * Other addresses go to `ports`. After a crash the row tells others what they need.
 */
export function keepOwnConnections(
  ports: Pick<Ports, 'connections' | 'pendingIdentities' | 'topicAliases' | 'tenants' | 'clock'>,
): OwnConnections {
  const { connections: stored, clock } = ports;
  const own = new Map<ConnectionAddress, Own>();
  const lastLive = new Map<string, { live: PeerState['live']; readAtMs: number }>();

  function change(address: ConnectionAddress, fields: Partial<Connection>): boolean {
    const known = own.get(address);
    if (known?.connection === undefined) return false;
    known.connection = { ...known.connection, ...fields };
    return true;
  }

  /** The connection of an own address, as long as its row exists. */
  async function current(
    known: Own,
    connection: Connection,
    maxAgeMs: number,
  ): Promise<Connection | undefined> {
    if (clock.nowMs() - known.verifiedAtMs < maxAgeMs) return connection;
    const row = await stored.get(connection.address);
    if (row === undefined) end(known);
    else {
      known.verifiedAtMs = clock.nowMs();
      takeTrace(known, row.traceUntilMs);
    }
    return known.connection;
  }

  function takeTrace(known: Own | undefined, traceUntilMs: number | undefined): void {
    if (known?.connection === undefined || known.connection.traceUntilMs === traceUntilMs) return;
    const { traceUntilMs: _, ...others } = known.connection;
    known.connection = { ...others, ...(traceUntilMs === undefined ? {} : { traceUntilMs }) };
  }

  function end(known: Own): void {
    if (known.connection === undefined) return;
    known.former = known.connection;
    delete known.connection;
  }

  /**
   * @param maxAgeMs age up to which the row need not be read again: for PINGREQ, which changes and
   *   tells nothing. One read serves all clients of the tenant.
   */
  async function liveOf(
    { tenant }: Connection,
    consistent: boolean,
    maxAgeMs: number,
  ): Promise<PeerState['live']> {
    const last = lastLive.get(tenant);
    if (last !== undefined && clock.nowMs() - last.readAtMs < maxAgeMs) return last.live;
    const live = await ports.tenants.readLive(tenant, consistent);
    lastLive.delete(tenant);
    if (live?.status === 'active') lastLive.set(tenant, { live, readAtMs: clock.nowMs() });
    const [oldest] = lastLive.keys();
    if (lastLive.size > maxTenants && oldest !== undefined) lastLive.delete(oldest);
    return live;
  }

  const connections: ConnectionStore = {
    async readState(address, consistentLive, age, maxLiveAgeMs = 0) {
      const known = own.get(address);
      if (known === undefined) return stored.readState(address, consistentLive, age, maxLiveAgeMs);
      const { connection, pending } = known;
      if (connection === undefined) return pending === undefined ? {} : { pending };
      const [row, live] = await Promise.all([
        // Never from memory, also where the clock has been set back.
        current(known, connection, age === 'latest' ? Number.NEGATIVE_INFINITY : rowMaxAgeMs),
        liveOf(connection, consistentLive, maxLiveAgeMs),
      ]);
      return row === undefined ? {} : { connection: row, ...(live && { live }) };
    },
    async get(address) {
      const known = own.get(address);
      return known === undefined ? stored.get(address) : known.connection;
    },
    async find(address) {
      const known = own.get(address);
      if (known === undefined || known.isUnsure === true) return stored.find(address);
      const { connection, pending } = known;
      return { ...(connection && { connection }), pending: pending !== undefined };
    },
    async getMany(addresses) {
      const others = addresses.filter((address) => !own.has(address));
      const rows = others.length === 0 ? [] : await stored.getMany(others);
      return [...rows, ...addresses.flatMap((address) => own.get(address)?.connection ?? [])];
    },
    async create(connection) {
      const known = own.get(connection.address);
      if (known === undefined) return stored.create(connection);
      if (known.connection !== undefined) return false;
      known.isUnsure = true;
      const created = await stored.create(connection);
      known.isUnsure = false;
      if (!created) return false;
      delete known.pending;
      known.connection = connection;
      known.verifiedAtMs = clock.nowMs();
      return true;
    },
    async addTopicAliases(address, aliases, removed = []) {
      const connection = own.get(address)?.connection;
      if (connection === undefined) return stored.addTopicAliases(address, aliases, removed);
      const topicAliases = { ...connection.topicAliases, ...aliases };
      for (const alias of removed) delete topicAliases[alias];
      change(address, { topicAliases });
    },
    async renew(address, token) {
      await stored.renew(address, token);
      const known = own.get(address);
      if (known?.connection === undefined) return;
      known.connection = withToken(known.connection, token);
    },
    async setRateUse(address, use, known) {
      return change(address, { rateUse: use }) || stored.setRateUse(address, use, known);
    },
    async setRevocationsSeen(address, revocationsSeenMs) {
      if (!change(address, { revocationsSeenMs }))
        await stored.setRevocationsSeen(address, revocationsSeenMs);
    },
    /** This process knows when the client last sent: posts do not count. */
    async watch(address, sinceMs) {
      if (!own.has(address)) await stored.watch(address, sinceMs);
    },
    async endWatch(address, heardAtMs) {
      if (!change(address, { heardAtMs })) await stored.endWatch(address, heardAtMs);
    },
    async setTrace(address, untilMs) {
      await stored.setTrace(address, untilMs);
      takeTrace(own.get(address), untilMs);
    },
    async delete(address) {
      await stored.delete(address);
      const known = own.get(address);
      if (known !== undefined) end(known);
    },
  };

  const stores: OwnConnections['stores'] = {
    connections,
    pendingIdentities: {
      async put(address, identity) {
        const known = own.get(address);
        if (known === undefined) return ports.pendingIdentities.put(address, identity);
        known.pending = identity;
      },
      async delete(address) {
        const known = own.get(address);
        if (known === undefined) return ports.pendingIdentities.delete(address);
        delete known.pending;
      },
    },
    topicAliases: {
      async put(address, aliases) {
        const known = own.get(address);
        if (known === undefined) return ports.topicAliases.put(address, aliases);
        known.spilledAliases = { ...known.spilledAliases, ...aliases };
      },
      async read(address, aliases) {
        return own.get(address)?.spilledAliases ?? ports.topicAliases.read(address, aliases);
      },
    },
  };

  return {
    stores,
    isOwn: (address) => own.has(address),
    add: (address) => own.set(address, { verifiedAtMs: clock.nowMs() }),
    currentOf: (address) => own.get(address)?.connection,
    formerOf: (address) => own.get(address)?.former,
    reread(address) {
      const known = own.get(address);
      if (known !== undefined) known.verifiedAtMs = Number.NEGATIVE_INFINITY;
    },
    remove: (address) => own.delete(address),
  };
}
