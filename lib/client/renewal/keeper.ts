import { type RenewalClock, type RenewalOptions, systemClock, type TokenReason } from './options.ts';
import { renewalDelayMs, tokenHasEnded } from './token-times.ts';

/** What the keeper does with an MQTT library. */
export interface Link {
  /** Opens a connection with this token. It may throw. */
  open(token: string): void;
  /** Replaces the token of the open connection. */
  renew(token: string): void;
  /** Tells the application what failed. The keeper goes on. */
  fail(error: Error): void;
}

/** Why a connection has ended. After `expired` and `refused` its token is of no use any more. */
export type EndCause = 'lost' | 'expired' | 'refused';

const firstPauseMs = 1_000;
const tokenTimeoutMs = 30_000;
/** A connection that lasted this long was no failure: the next pause is short again. */
const stableMs = 10_000;
/** A network that is gone for a moment is no error: so many failed attempts in a row are one. */
const toldFailures = 3;
/** Longest delay of `setTimeout`. */
const maxTimerMs = 2 ** 31 - 1;
/** 2 to this power times {@link firstPauseMs} is above every sensible bound. */
const maxDoublings = 20;

/**
 * Keeps one connection open with a valid token: it renews the token before `exp`, and connects
 * again with a fresh one after a pause whenever the connection has ended, for as long as it runs.
 * It never gives up.
 */
export class Keeper {
  readonly #link: Link;
  readonly #options: RenewalOptions;
  readonly #clock: RenewalClock;
  readonly #random: () => number;
  #timer: unknown;
  /** Counts what the keeper has begun: a token for something earlier is dropped. */
  #step = 0;
  #failures = 0;
  /** Attempts in a row that reached no service. */
  #unreached = 0;
  #openedAtMs: number | undefined;
  #token: string | undefined;

  constructor(link: Link, options: RenewalOptions) {
    this.#link = link;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
  }

  start(): void {
    this.#obtain('connect', (token) => this.#open(token));
  }

  /** Ends all timers; a token that is under way is dropped. */
  stop(): void {
    this.#step++;
    this.#clock.clearTimeout(this.#timer);
  }

  /** The service has accepted the connection. */
  opened(): void {
    this.#openedAtMs = this.#clock.now();
    this.#unreached = 0;
  }

  /**
   * The connection has ended, or none came about.
   *
   * @param why what the library or the socket said
   */
  closed(cause: EndCause, why?: string): void {
    const { maxReconnectMs = 60_000, maxRefusedReconnectMs = 300_000 } = this.#options;
    // At 3.1.1 a connection ends without a reason.
    const isUseless = cause !== 'lost' || tokenHasEnded(this.#token ?? '', this.#clock.now());
    const reason = isUseless ? 'refused' : 'connect';
    const isStable = this.#openedAtMs !== undefined && this.#clock.now() - this.#openedAtMs >= stableMs;
    if (isStable) this.#failures = 0;
    if (this.#openedAtMs === undefined && cause === 'lost') this.#unreached++;
    this.#later(this.#pauseMs(cause === 'refused' ? maxRefusedReconnectMs : maxReconnectMs), () =>
      this.#obtain(reason, (token) => this.#open(token)),
    );
    if (this.#unreached >= toldFailures) this.#link.fail(unreachable(this.#unreached, why));
  }

  /** Opens the next connection at once, with the token that {@link Link.renew} was given. */
  reopen(): void {
    if (this.#token !== undefined) this.#open(this.#token);
  }

  #open(token: string): void {
    this.#openedAtMs = undefined;
    this.#scheduleRenewal(token);
    try {
      this.#link.open(token);
    } catch (error) {
      this.#link.fail(errorOf(error));
      this.closed('lost');
    }
  }

  #scheduleRenewal(token: string): void {
    this.#token = token;
    const delayMs = renewalDelayMs(token, this.#clock.now(), this.#random);
    if (delayMs === undefined) this.stop();
    else this.#later(delayMs, () => this.#renew());
  }

  #renew(): void {
    this.#obtain('renew', (token) => {
      if (token === this.#token) {
        // An application that caches its tokens gets the next one only near the end of this one.
        this.#later(this.#pauseMs(tokenTimeoutMs), () => this.#renew());
        return;
      }
      this.#failures = 0;
      this.#scheduleRenewal(token);
      this.#link.renew(token);
    });
  }

  /** Asks for a token until there is one. */
  #obtain(reason: TokenReason, use: (token: string) => void): void {
    const step = ++this.#step;
    const settle = (act: () => void) => {
      if (step !== this.#step) return;
      this.stop();
      act();
    };
    const failed = (error: Error) => {
      const { maxReconnectMs = 60_000 } = this.#options;
      this.#later(this.#pauseMs(maxReconnectMs), () => this.#obtain(reason, use));
      this.#link.fail(error);
    };
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(
      () => settle(() => failed(new Error('getToken has not answered for 30 s; asking again'))),
      tokenTimeoutMs,
    );
    void Promise.resolve()
      .then(() => this.#options.getToken(reason))
      .then(
        (token) =>
          settle(() =>
            typeof token === 'string' && token
              ? use(token)
              : failed(new Error('getToken returned no token; asking again')),
          ),
        (error: unknown) => settle(() => failed(errorOf(error))),
      );
  }

  #pauseMs(boundMs: number): number {
    const doublings = Math.min(this.#failures++, maxDoublings);
    return this.#random() * Math.min(boundMs, firstPauseMs * 2 ** doublings);
  }

  #later(delayMs: number, act: () => void): void {
    const step = ++this.#step;
    this.#clock.clearTimeout(this.#timer);
    const waitMs = Math.min(delayMs, maxTimerMs);
    this.#timer = this.#clock.setTimeout(() => {
      if (step !== this.#step) return;
      if (waitMs < delayMs) this.#later(delayMs - waitMs, act);
      else act();
    }, waitMs);
  }
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function unreachable(attempts: number, why: string | undefined): Error {
  const because = why ? `: ${why}` : '';
  return new Error(`${attempts} attempts to connect have failed${because}; trying again`);
}
