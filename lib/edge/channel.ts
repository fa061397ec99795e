import type { Broker } from '../broker/broker.ts';
import type { ConnectionAddress } from '../core/model.ts';
import type { Log } from '../core/ports.ts';
import { uncountedBytes } from '../listeners/buffers.ts';
import type { ClientSide, Session } from '../listeners/client-server.ts';
import { Inbound } from './inbound.ts';
import { Outbound } from './outbound.ts';

/**
 * Reading from a client stops above this many bytes that wait. It must exceed the largest packet,
 * which is 128 KiB.
 */
const pauseBytes = 256 * 1024;
const resumeBytes = 128 * 1024;
/** Pauses between attempts to release a connection, in milliseconds. */
const firstPauseMs = 500;
const maxPauseMs = 60_000;

/** What a channel needs of its process. */
export interface ChannelService {
  readonly broker: Pick<Broker, 'packets' | 'disconnected'>;
  readonly log: Log;
  readonly nowMs: () => number;
  /** Resolves as soon as frames may be handled; false: never again, this process counts as dead. */
  readonly mayServe: () => Promise<boolean> | true;
  /** Whether the client's handshake is accepted: the token of its certificate or header. */
  readonly admitted: Promise<boolean>;
  /** The packet that tells the client to come back later, where its version has one. */
  readonly busy: () => Uint8Array | undefined;
  /** Called once, when the socket has closed: nothing more can be pushed. */
  readonly left: () => void;
  /** Called once, when the broker has released the connection. */
  readonly ended: () => void;
}

/**
 * One client whose socket this process holds. Its packets are handed to the broker in batches, one
 * batch at a time, so they are handled in order; while one is handled, the next is collected.
 *
 * When the socket has closed, what the client has written before is still handled, DISCONNECT for
 * one. Then the broker learns that the connection is gone. If the process dies before, the sweep of
 * this edge does the same later.
 */
export class Channel implements Session {
  readonly number: number;
  readonly address: ConnectionAddress;
  readonly closed: Promise<void>;
  /** When the client last sent something, in ms since 1970. */
  lastActiveAtMs: number;
  readonly #service: ChannelService;
  readonly #client: ClientSide;
  readonly #inbound = new Inbound();
  readonly #outbound: Outbound;
  #isHandling = false;
  #isPaused = false;
  /** Whether what waits for this client counts. */
  #isHolding = false;
  #isClosed = false;
  /** Whether the client has got its last packet. */
  #isEnding = false;
  #isReleased = false;
  #resolveClosed = () => {};

  constructor(number: number, address: ConnectionAddress, client: ClientSide, service: ChannelService) {
    this.number = number;
    this.address = address;
    this.#client = client;
    this.#service = service;
    this.#outbound = new Outbound(client);
    this.lastActiveAtMs = service.nowMs();
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  receive(bytes: Uint8Array): void {
    this.#inbound.write(bytes);
    // Bytes of a packet that never ends are no sign of life [MQTT-3.1.2-22 v5, MQTT-3.1.2-24 v3].
    if (this.#inbound.hasPacket) this.lastActiveAtMs = this.#service.nowMs();
    const hasRoom = this.#hold();
    if (!this.#isPaused && (!hasRoom || this.#inbound.waitingBytes > pauseBytes)) {
      this.#isPaused = true;
      this.#client.pause();
    }
    void this.#handle();
  }

  clientClosed(): void {
    this.#isClosed = true;
    void this.#handle();
  }

  /** Pushes a text message of the wire profile. @returns whether the client is still there. */
  push(text: string): boolean {
    if (this.#isClosed || this.#isEnding) return false;
    const isPushed = this.#outbound.push(text);
    if (isPushed && this.#hold()) return true;
    this.#end(isPushed ? 'buffers-full' : 'slow-client');
    return false;
  }

  /** Writes what was pushed, then closes. What the client still sends is not handled. */
  close(): Promise<void> {
    this.#isEnding = true;
    this.#inbound.clear();
    this.#outbound.releaseLast();
    this.#client.end(1001);
    return this.closed;
  }

  terminate(): void {
    this.#inbound.clear();
    this.#client.destroy();
  }

  /** Ends the client, which holds too much. */
  #end(reason: 'slow-client' | 'buffers-full'): void {
    this.#client.destroy(reason);
    this.terminate();
  }

  /** Tells what waits for the client. @returns whether there is room for it. */
  #hold(): boolean {
    const bytes = this.#inbound.waitingBytes + this.#outbound.heldBytes;
    if (bytes <= uncountedBytes && !this.#isHolding) return true;
    this.#isHolding = bytes > uncountedBytes;
    return this.#client.hold(bytes);
  }

  /** Hands batches to the broker until none waits. */
  async #handle(): Promise<void> {
    if (this.#isHandling) return;
    this.#isHandling = true;
    try {
      if (!(await this.#service.admitted)) this.terminate();
      for (let batch = this.#inbound.next(); batch !== undefined; batch = this.#inbound.next()) {
        this.#resume();
        const mayServe = this.#service.mayServe();
        if (mayServe !== true && !(await mayServe)) return this.terminate();
        if (batch.holdsPushes) this.#outbound.hold(batch.isConnect);
        this.#outbound.release(await this.#service.broker.packets(this.address, batch.bytes));
      }
      this.#awaitRest();
    } catch (error) {
      // The store throttles or fails: the client comes back and sends again what MQTT demands.
      this.#service.log.error('edge frame failed', {
        address: this.address,
        error: error instanceof Error ? (error.stack ?? error.name) : 'unknown',
      });
      this.#outbound.fail(this.#service.busy());
      void this.close();
    } finally {
      this.#isHandling = false;
    }
    if (this.#isClosed) await this.#release();
  }

  #resume(): void {
    const hasRoom = this.#hold();
    if (!this.#isPaused || !hasRoom || this.#inbound.waitingBytes > resumeBytes) return;
    this.#isPaused = false;
    this.#client.resume();
  }

  /** What waits now is no packet yet: it ends the client where there is no room for it. */
  #awaitRest(): void {
    this.#resume();
    if (this.#isPaused && !this.#isClosed) this.#end('buffers-full');
  }

  /**
   * Tells the broker that the connection is gone. Where that fails it is repeated, with longer and
   * longer pauses, for as long as the process lives; then the sweep does it.
   */
  async #release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    const { broker, log, left, ended } = this.#service;
    left();
    this.#inbound.clear();
    this.#hold();
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(maxPauseMs, 2 * pauseMs)) {
      try {
        await broker.disconnected(this.address);
        break;
      } catch (error) {
        log.error('edge connection could not be released', {
          address: this.address,
          error: error instanceof Error ? error.name : 'unknown',
        });
        await new Promise((resolve) => setTimeout(resolve, pauseMs).unref());
      }
    }
    ended();
    this.#resolveClosed();
  }
}
