import type { RateUse } from '../core/model.ts';
import { burstSeconds, type ClientQuotas } from '../core/quotas.ts';

/** Unwritten use of a connection's rates at which it is written to the connection's row, in milliseconds of the rate. */
const writeAfterMs = (burstSeconds * 1000) / 2;
const maxClients = 50_000;

/** What somebody's messages take of the rates, in milliseconds of each. */
interface Cost {
  readonly messagesMs: number;
  readonly bytesMs: number;
}
const nothing: Cost = { messagesMs: 0, bytesMs: 0 };

/**
 * Rates of single clients. Each frame reads the connection's row anyway, so that is where the processes that handle one
 * client's frames tell each other what it has used; they write once for every five seconds' worth of the rate, never per
 * message. What a process has not written yet does not wear off, so a client may send at once what its rate gives in five to ten
 * seconds.
 *
 * Bound of the error: a client may exceed its rate by what processes have not written yet, five seconds' worth for each of
 * those that handle its frames, and by ten for each that handles frames of it at the same moment, which a client that keeps the
 * wire profile never causes. A new connection begins with everything free. Publishing over HTTP has no row: there
 * each process goes by its own counts.
 */
export class ClientRates {
  readonly #clients = new Map<string, Entry>();

  /**
   * Whether the client's rates allow these publishes now; if so they are taken from its allowance.
   * @param client name of the client, unique among all tenants.
   * @param known the use that the connection's row tells; `local` where there is no row.
   */
  admits(
    client: string,
    quotas: ClientQuotas,
    known: RateUse | undefined | 'local',
    publishes: { readonly messages: number; readonly bytes: number },
    nowMs: number,
  ): boolean {
    const { publishesPerSecondPerClient, publishBytesPerSecondPerClient } = quotas;
    if (publishesPerSecondPerClient === undefined && publishBytesPerSecondPerClient === undefined)
      return true;
    const cost = {
      messagesMs: costMs(publishes.messages, publishesPerSecondPerClient),
      bytesMs: costMs(publishes.bytes, publishBytesPerSecondPerClient),
    };
    const { base, unwritten } = this.#clients.get(client) ?? { unwritten: nothing };
    const isLocal = known === 'local';
    const current = later(base, isLocal ? undefined : known);
    const then = after(after(current, unwritten, nowMs), cost, nowMs);
    const untilMs = nowMs + burstSeconds * 1000;
    if (then.messagesUntilMs > untilMs || then.bytesUntilMs > untilMs) return false;
    this.#keep(client, isLocal ? { base: then, unwritten } : { base, unwritten: sum(unwritten, cost) });
    return true;
  }

  /** The use to be written to the connection's row, where enough has come together. */
  due(client: string, known: RateUse | undefined, nowMs: number): RateUse | undefined {
    const { base, unwritten } = this.#clients.get(client) ?? { unwritten: nothing };
    if (unwritten.messagesMs < writeAfterMs && unwritten.bytesMs < writeAfterMs) return undefined;
    return after(later(base, known), unwritten, nowMs);
  }

  /** What {@link due} told has been written; reads that come too early to show it do not undo it. */
  written(client: string, use: RateUse): void {
    this.#keep(client, { base: use, unwritten: nothing });
  }

  /** The one that was changed least recently goes first: with it, at most five seconds' worth is forgotten. */
  #keep(client: string, entry: Entry): void {
    this.#clients.delete(client);
    this.#clients.set(client, entry);
    const [oldest] = this.#clients.keys();
    if (this.#clients.size > maxClients && oldest !== undefined) this.#clients.delete(oldest);
  }
}

interface Entry {
  /** What this process has written last, or without a row all that it has counted. */
  readonly base?: RateUse | undefined;
  readonly unwritten: Cost;
}

function costMs(amount: number, perSecond: number | undefined): number {
  if (perSecond === undefined || amount === 0) return 0;
  return perSecond === 0 ? Number.POSITIVE_INFINITY : Math.ceil((amount * 1000) / perSecond);
}

function after(use: RateUse | undefined, { messagesMs, bytesMs }: Cost, nowMs: number): RateUse {
  return {
    messagesUntilMs: Math.max(nowMs, use?.messagesUntilMs ?? 0) + messagesMs,
    bytesUntilMs: Math.max(nowMs, use?.bytesUntilMs ?? 0) + bytesMs,
  };
}

function sum(one: Cost, other: Cost): Cost {
  return { messagesMs: one.messagesMs + other.messagesMs, bytesMs: one.bytesMs + other.bytesMs };
}

function later(one: RateUse | undefined, other: RateUse | undefined): RateUse | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return {
    messagesUntilMs: Math.max(one.messagesUntilMs, other.messagesUntilMs),
    bytesUntilMs: Math.max(one.bytesUntilMs, other.bytesUntilMs),
  };
}
