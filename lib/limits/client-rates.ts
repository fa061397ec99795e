import type { RateUse } from '../core/model.ts';
import { burstSeconds, type ClientQuotas } from '../core/quotas.ts';
import type { ClientRates, RateAmounts } from '../core/usage.ts';

/** Unwritten use at which it is written to the connection's row, in milliseconds of the rate. */
const writeAfterMs = (burstSeconds * 1000) / 2;
const maxClients = 50_000;

/** What amounts take of each rate, in milliseconds of the rate. */
interface Cost {
  readonly packetsMs: number;
  readonly messagesMs: number;
  readonly bytesMs: number;
}
const nothing: Cost = { packetsMs: 0, messagesMs: 0, bytesMs: 0 };

/**
 * Rate limits of single clients. Every frame reads the connection's row, so that row is where the
 * processes that handle one client's frames share what the client has used. A process writes once
 * per five seconds' worth of the rate, never per message. Unwritten use does not decay, so a client
 * may burst what its rate gives in five to ten seconds.
 *
 * Bounds of the error: a client may exceed its rate by the unwritten use of all processes, five
 * seconds' worth for each that handles its frames, and by ten for each that handles frames of it at
 * the same moment; a client that keeps the wire profile has one frame in flight. A new connection
 * starts unused. HTTP publishing has no row: each process enforces the rate on its own counts.
 */
export function createClientRates(): ClientRates {
  return new ConnectionRates();
}

class ConnectionRates implements ClientRates {
  readonly #clients = new Map<string, Entry>();

  admits(
    client: string,
    quotas: ClientQuotas,
    known: RateUse | undefined | 'local',
    { packets, messages, bytes }: RateAmounts,
    nowMs: number,
  ): boolean {
    const cost = {
      packetsMs: costMs(packets, quotas.packetsPerSecondPerClient),
      messagesMs: costMs(messages, quotas.publishesPerSecondPerClient),
      bytesMs: costMs(bytes, quotas.publishBytesPerSecondPerClient),
    };
    if (Math.max(cost.packetsMs, cost.messagesMs, cost.bytesMs) === 0) return true;
    const { base, unwritten } = this.#clients.get(client) ?? { unwritten: nothing };
    const isLocal = known === 'local';
    const current = later(base, isLocal ? undefined : known);
    const then = after(after(current, unwritten, nowMs), cost, nowMs);
    const untilMs = nowMs + burstSeconds * 1000;
    if (Math.max(then.packetsUntilMs, then.messagesUntilMs, then.bytesUntilMs) > untilMs) return false;
    this.#keep(client, isLocal ? { base: then, unwritten } : { base, unwritten: sum(unwritten, cost) });
    return true;
  }

  charge(client: string, { packetsPerSecondPerClient }: ClientQuotas, packets: number): void {
    if (packetsPerSecondPerClient === undefined || packets === 0) return;
    const amount = Math.min(packets, packetsPerSecondPerClient * burstSeconds);
    const cost = { ...nothing, packetsMs: costMs(amount, packetsPerSecondPerClient) };
    const { base, unwritten } = this.#clients.get(client) ?? { unwritten: nothing };
    this.#keep(client, { base, unwritten: sum(unwritten, cost) });
  }

  due(client: string, known: RateUse | undefined, nowMs: number): RateUse | undefined {
    const { base, unwritten } = this.#clients.get(client) ?? { unwritten: nothing };
    const { packetsMs, messagesMs, bytesMs } = unwritten;
    if (Math.max(packetsMs, messagesMs, bytesMs) < writeAfterMs) return undefined;
    return after(later(base, known), unwritten, nowMs);
  }

  written(client: string, use: RateUse): void {
    this.#keep(client, { base: use, unwritten: nothing });
  }

  /**
   * Evicts the least recently used client, which forgets at most five seconds' worth of its rate.
   */
  #keep(client: string, entry: Entry): void {
    this.#clients.delete(client);
    this.#clients.set(client, entry);
    const [oldest] = this.#clients.keys();
    if (this.#clients.size > maxClients && oldest !== undefined) this.#clients.delete(oldest);
  }
}

interface Entry {
  /** The use this process wrote last; for a client without a row, all it has counted. */
  readonly base?: RateUse | undefined;
  readonly unwritten: Cost;
}

function costMs(amount = 0, perSecond?: number): number {
  if (perSecond === undefined || amount === 0) return 0;
  return perSecond === 0 ? Number.POSITIVE_INFINITY : Math.ceil((amount * 1000) / perSecond);
}

function after(
  use: RateUse | undefined,
  { packetsMs, messagesMs, bytesMs }: Cost,
  nowMs: number,
): Required<RateUse> {
  return {
    packetsUntilMs: Math.max(nowMs, use?.packetsUntilMs ?? 0) + packetsMs,
    messagesUntilMs: Math.max(nowMs, use?.messagesUntilMs ?? 0) + messagesMs,
    bytesUntilMs: Math.max(nowMs, use?.bytesUntilMs ?? 0) + bytesMs,
  };
}

function sum(one: Cost, other: Cost): Cost {
  return {
    packetsMs: one.packetsMs + other.packetsMs,
    messagesMs: one.messagesMs + other.messagesMs,
    bytesMs: one.bytesMs + other.bytesMs,
  };
}

function later(one: RateUse | undefined, other: RateUse | undefined): RateUse | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return {
    packetsUntilMs: Math.max(one.packetsUntilMs ?? 0, other.packetsUntilMs ?? 0),
    messagesUntilMs: Math.max(one.messagesUntilMs, other.messagesUntilMs),
    bytesUntilMs: Math.max(one.bytesUntilMs, other.bytesUntilMs),
  };
}
