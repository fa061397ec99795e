import type { ConnectPacket } from '../../../lib/mqtt/types.ts';
import { heartbeatMs } from '../../../lib/wire/limits.ts';
import { openRaw, type RawClient } from '../../support/raw-client.ts';
import type { Mint } from '../../support/service.ts';
import { type BilledService, perOne, startBilledService, sumOf, type Units } from '../billed-service.ts';
import { createJumpingClock, type JumpingClock } from '../jumping-clock.ts';
import { connectPacket } from '../metered.ts';

/** Maximum duration of an API Gateway WebSocket connection. */
export const connectionHours = 2;
const lifeMs = connectionHours * 3_600_000;
/** How long before the expiry of its token a client sends the next one, in milliseconds. */
const renewalLeadMs = 300_000;

/** What clients of an idle fleet do, and what their timers and rows cost. */
export const causes = ['connections', 'PINGREQ', 'AUTH', 'timers'] as const;
export type Cause = (typeof causes)[number];
export type UnitsByCause = Readonly<Record<Cause, Units>>;

export interface Fleet {
  readonly keepAliveSeconds: number;
  readonly connections: number;
  /** Clients renew a token that ends before its connection with AUTH, five minutes earlier. */
  readonly tokenHours: number;
  /** 0: the session ends with its connection. Else it is resumed after two hours. */
  readonly sessionExpirySeconds: number;
  /**
   * The bridge, or an adapter with `keepAlive: 'local'`, answers PINGREQ. It connects with a
   * keep-alive of 0 and sends a heartbeat after nine minutes of silence.
   */
  readonly isLocal?: boolean;
}

/** Time without frames after which adapter and bridge send a heartbeat, in seconds. */
const heartbeatSeconds = heartbeatMs / 1000;

interface Member {
  readonly clientId: string;
  client: RawClient | undefined;
  endsAtMs: number;
  pingAtMs: number;
  renewAtMs: number;
}

/**
 * Measures idle connections of one tenant in their steady state, on a clock that jumps from one
 * event to the next. Connections start at different times over two hours and never at the same
 * phase of the keep-alive, end when API Gateway closes them after two hours, and are replaced at
 * once. The first two hours, in which the fleet grows, are not measured: then the chains of timers
 * have reached their steady number. Each of the following two hours is measured at one latency.
 *
 * @param callTimesMs latencies of the calls of functions, in milliseconds.
 * @returns for each latency the units of one connection hour by cause.
 */
export async function measureIdleFleet(
  fleet: Fleet,
  callTimesMs: readonly number[],
): Promise<UnitsByCause[]> {
  const clock = createJumpingClock();
  const billed = await startBilledService({ clock });
  try {
    const run = await startFleet(billed, clock, fleet);
    await run(lifeMs);
    const measured: UnitsByCause[] = [];
    for (const callMs of callTimesMs) {
      billed.setCallMs(callMs);
      const byCause = await run(lifeMs);
      const hours = fleet.connections * connectionHours;
      measured.push({
        connections: perOne(byCause.connections, hours),
        PINGREQ: perOne(byCause.PINGREQ, hours),
        AUTH: perOne(byCause.AUTH, hours),
        timers: perOne(byCause.timers, hours),
      });
    }
    billed.setCallMs(0);
    return measured;
  } finally {
    await billed.close();
  }
}

/** @returns a function that lets the fleet live for some time and returns the units by cause. */
async function startFleet(
  { service, measure }: BilledService,
  clock: JumpingClock,
  { keepAliveSeconds, connections, tokenHours, sessionExpirySeconds, isLocal = false }: Fleet,
): Promise<(durationMs: number) => Promise<UnitsByCause>> {
  const everySeconds = isLocal ? heartbeatSeconds : keepAliveSeconds;
  const mint: Mint = await service.tenant('bench');
  const settle = () => service.queues.idle();
  const token = async (): Promise<Buffer> =>
    Buffer.from(await mint({ exp: Math.floor(clock.now() / 1000) + tokenHours * 3_600 }));
  const renewal = () => clock.now() + tokenHours * 3_600_000 - renewalLeadMs;
  const startedAtMs = clock.now();
  const goldenRatio = 0.618_034;
  const members = Array.from({ length: connections }, (_, index): Member => {
    const startsAtMs = startedAtMs + ((index + ((index * goldenRatio) % 1)) * lifeMs) / connections;
    const never = Number.POSITIVE_INFINITY;
    return {
      clientId: `c${index}`,
      client: undefined,
      endsAtMs: startsAtMs,
      pingAtMs: never,
      renewAtMs: never,
    };
  });

  async function open(member: Member): Promise<void> {
    const client = await openRaw(service.url);
    // API Gateway counts from the handshake, so it closes before this moment. A jump that ends
    // before the close would wait for it in real time, while the other clients are silent.
    member.endsAtMs = clock.now() + lifeMs;
    member.client = client;
    const changes: Partial<ConnectPacket> = {
      keepalive: isLocal ? 0 : keepAliveSeconds,
      clean: sessionExpirySeconds === 0,
      properties: {
        authenticationMethod: 'wisp-jwt',
        authenticationData: await token(),
        ...(sessionExpirySeconds === 0 ? {} : { sessionExpiryInterval: sessionExpirySeconds }),
      },
    };
    const { password: _password, ...packet } = await connectPacket(mint, member.clientId, changes);
    await client.send(packet as ConnectPacket);
    member.pingAtMs = clock.now() + everySeconds * 1000;
    member.renewAtMs = renewal();
  }

  const disconnectMs = (): number => service.gateway.meters.billedMs.$disconnect;
  let billedBefore = disconnectMs();

  /**
   * The close by API Gateway after two hours with its `$disconnect`, and the next connection. On a
   * busy machine the close may have come while another client was served.
   */
  async function replace(member: Member): Promise<void> {
    if (member.client !== undefined) {
      await clock.jump(Math.max(0, member.endsAtMs - clock.now()), settle);
      while (disconnectMs() === billedBefore) await new Promise(setImmediate);
      billedBefore = disconnectMs();
    }
    await open(member);
  }

  async function ping(member: Member): Promise<void> {
    if (isLocal) {
      const answered = await member.client?.exchangeText('.');
      if (answered?.closed !== undefined) throw new Error(`closed: ${JSON.stringify(answered.closed)}`);
    } else await member.client?.send({ cmd: 'pingreq' });
    member.pingAtMs = clock.now() + everySeconds * 1000;
  }

  async function renew(member: Member): Promise<void> {
    const properties = { authenticationMethod: 'wisp-jwt', authenticationData: await token() };
    await member.client?.send({ cmd: 'auth', reasonCode: 0x19, properties });
    member.renewAtMs = renewal();
  }

  /** What happens next to a member, a moment before API Gateway closes its connection. */
  function nextOf(member: Member): { atMs: number; cause: Cause; act(): Promise<void> } {
    const endAtMs = member.endsAtMs - 50;
    if (endAtMs <= member.pingAtMs && endAtMs <= member.renewAtMs)
      return { atMs: endAtMs, cause: 'connections', act: () => replace(member) };
    return member.pingAtMs <= member.renewAtMs
      ? { atMs: member.pingAtMs, cause: 'PINGREQ', act: () => ping(member) }
      : { atMs: member.renewAtMs, cause: 'AUTH', act: () => renew(member) };
  }

  return async (durationMs) => {
    const untilMs = clock.now() + durationMs;
    const nothing = await measure(async () => {});
    const measured: Record<Cause, Units> = {
      connections: nothing,
      PINGREQ: nothing,
      AUTH: nothing,
      timers: nothing,
    };
    const add = async (cause: Cause, work: () => Promise<unknown>): Promise<void> => {
      measured[cause] = sumOf([measured[cause], await measure(work)]);
    };
    const wait = (atMs: number) => add('timers', () => clock.jump(Math.max(0, atMs - clock.now()), settle));
    for (;;) {
      let next = nextOf(members[0] as Member);
      for (const member of members) {
        const other = nextOf(member);
        if (other.atMs < next.atMs) next = other;
      }
      if (next.atMs > untilMs) break;
      await wait(next.atMs);
      await add(next.cause, next.act);
    }
    await wait(untilMs);
    return measured;
  };
}
