import { ChunkAssembler } from '../wire/assembler.ts';
import { decodeServerFrame } from '../wire/frames.ts';
import {
  acknowledgementPauseMs,
  badPacketCloseCode,
  badServerFrameCloseCode,
  disconnectByte,
  gatewayErrorCloseCode,
  heartbeatMs,
  maxOneWayFrames,
  pingrespByte,
  replyTimeoutCloseCode,
  replyTimeoutMs,
  spacingMs,
  subprotocol,
  wrongPortCloseCode,
} from '../wire/limits.ts';
import { Emitter } from './emitter.ts';
import { Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';
import type { AdapterOptions, NativeWebSocket, NativeWebSocketConstructor, Timers } from './types.ts';

interface Runtime extends Timers {
  WebSocket?: NativeWebSocketConstructor;
  console?: { warn(text: string): void };
  Blob?: new (parts: unknown[]) => unknown;
}

// Phases of sending.

/** Nothing to send. */
const idle = 0;
/** Not open yet, about to send, or in the pause after a one-way frame. */
const waiting = 1;
/** A frame awaits its reply. */
const awaitingReply = 2;

const runtime = globalThis as unknown as Runtime;

/**
 * A WebSocket for MQTT libraries that speaks the wire profile `wisp.b64.v1` (docs/wire.md)
 * underneath. It takes binary MQTT in pieces of any size and delivers whole packets.
 *
 * Differences from the standard:
 * - `send` is allowed while connecting: the bytes are queued. Text cannot be sent.
 * - `bufferedAmount` counts bytes until the server has confirmed them or the pause after their
 *   one-way frame is over.
 * - `close` first sends the queue, for at most `replyTimeoutMs`.
 * - A `drain` event follows each confirmation.
 */
export class WispWebSocket extends Emitter {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;

  readonly url: string;
  binaryType: 'blob' | 'arraybuffer' = 'blob';
  /** Only the adapter may write it; the same holds for `protocol`. */
  readyState = 0;
  /** Once open: the subprotocol that the MQTT library asked for, not the one underneath. */
  protocol = '';

  readonly #native: NativeWebSocket;
  readonly #assembler = new ChunkAssembler();
  readonly #inbox = new Inbox();
  readonly #outbox = new Outbox();
  readonly #options: AdapterOptions &
    Required<Pick<AdapterOptions, 'acknowledge' | 'timers' | 'spacingMs' | 'replyTimeoutMs' | 'heartbeatMs'>>;
  /** The reply timeout or, between frames, the heartbeat. */
  #timer: unknown;
  /**
   * The pause after a one-way frame, and after any frame with final acknowledgements: at a higher
   * pace these go in frames with replies, which gather more of them.
   */
  #pause: unknown;
  /** Whether the pause is after a one-way frame that holds only acknowledgements. */
  #isCollecting = false;
  /** One-way frames allowed until the next reply. Negative: the next frame is a heartbeat. */
  #oneWayLeft = 0;
  #phase = waiting;
  /** Closes the underlying socket when nothing is left to send. */
  #closing: (() => void) | undefined;

  /**
   * @param url of the API's stage, such as `wss://example.com/mqtt?token=…`
   * @param protocols that the MQTT library asks for; `protocol` reports the first. Default: `mqtt`
   * @throws TypeError without `options.WebSocket` in a runtime that has no global one
   */
  constructor(url: string, protocols: string | readonly string[] = 'mqtt', options: AdapterOptions = {}) {
    super();
    const { WebSocket: Native = runtime.WebSocket, headers } = options;
    if (!Native) throw new TypeError('pass a WebSocket as option; in Node use wisp-mqtt-client/node');
    // Browsers and Node's own WebSocket ignore a third argument. That of browsers has one required.
    if (headers && Native === runtime.WebSocket && Native.length === 1)
      runtime.console?.warn('this WebSocket sends no headers; in Node use wisp-mqtt-client/node');
    this.url = url;
    this.#options = {
      acknowledge: 'always',
      timers: runtime,
      spacingMs,
      replyTimeoutMs,
      heartbeatMs,
      ...options,
    };
    const native = new Native(url, [subprotocol], headers && { headers });
    this.#native = native;
    native.onopen = () => {
      if (this.readyState < this.OPEN) {
        this.readyState = this.OPEN;
        this.protocol = [protocols].flat()[0] ?? 'mqtt';
        this.emit('open');
      }
      this.#phase = idle;
      this.#scheduleFlush();
    };
    native.onmessage = ({ data }) => this.#received(data);
    native.onerror = ({ message }) => {
      if (this.readyState < this.CLOSED) this.emit('error', { message });
    };
    native.onclose = ({ code = 1006, reason = '', wasClean = false }) => this.#finish(code, reason, wasClean);
  }

  /** MQTT.js calls it in Node unless told that this is no socket of the package `ws`. */
  on(): never {
    throw new TypeError('set forceNativeWebSocket: true');
  }

  get bufferedAmount(): number {
    return this.#outbox.bufferedAmount;
  }

  /** Complete packets that the MQTT library has written. */
  get packetsWritten(): number {
    return this.#outbox.packetsWritten;
  }

  /**
   * Queues a copy of MQTT bytes, in pieces of any size. A packet may have at most 131,072 bytes.
   */
  send(data: ArrayBuffer | ArrayBufferView): void {
    const { buffer = data, byteOffset, byteLength } = data as ArrayBufferView<ArrayBuffer>;
    if (byteLength === undefined) throw new TypeError('not bytes');
    if (this.readyState > this.OPEN) return;
    const error = this.#outbox.write(
      new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength).slice(),
      this.#options.keepAlive === 'local' && (() => this.#answerPing()),
    );
    if (error)
      // Not inside `send`: the library may not expect a packet there.
      void Promise.resolve().then(() => {
        // That of 3.1.1, in which servers send no DISCONNECT, has two bytes behind its length.
        if (error.code === 'packet-too-large' && this.#inbox.connackLength > 2)
          this.#deliver(Uint8Array.of(disconnectByte, 2, 0x95, 0).buffer);
        this.#finish(badPacketCloseCode, error.message);
      });
    // Nothing but the end of the connection must wait for acknowledgements.
    else if (this.#isCollecting && this.#outbox.isUrgent) this.#confirm();
    else this.#scheduleFlush();
  }

  /**
   * Sends the queue, then closes.
   *
   * @param code 1000 (default) or 3000 to 4999
   * @throws RangeError for any other code
   */
  close(code = 1000, reason = ''): void {
    if (code !== 1000 && (code < 3000 || code > 4999)) throw new RangeError();
    if (this.readyState > this.OPEN) return;
    if (this.readyState < this.OPEN && !this.bufferedAmount) {
      this.#finish(1006, 'closed');
      return;
    }
    this.readyState = this.CLOSING;
    this.#awaitReply();
    this.#closing = () => this.#native.close(code, reason);
    this.#scheduleFlush();
  }

  /**
   * Waits for the end of the turn, so that packets written together become one frame, one billed
   * message.
   */
  #scheduleFlush(): void {
    if (this.#phase) return;
    this.#phase = waiting;
    void Promise.resolve().then(() => {
      if (this.readyState === this.CLOSED) return;
      const { acknowledge, spacingMs } = this.#options;
      const text =
        this.#outbox.next(
          this.#oneWayLeft > 0 && this.#inbox.connackLength,
          acknowledge === 'needed',
          !this.#pause,
        ) ??
        (this.#oneWayLeft < 0 && '.');
      const isOneWay = !!text && text[0] === '{';
      this.#phase = idle;
      if (!text) this.#closing?.();
      else {
        this.#isCollecting = isOneWay && this.#outbox.acknowledgesOnly;
        if (isOneWay || (acknowledge !== 'always' && this.#outbox.acknowledges))
          this.#startPause(isOneWay && !this.#isCollecting ? spacingMs : acknowledgementPauseMs);
        if (isOneWay) {
          this.#phase = waiting;
          this.#oneWayLeft--;
        } else {
          this.#phase = awaitingReply;
          this.#awaitReply();
        }
        this.#native.send(text);
      }
    });
  }

  #startPause(ms: number): void {
    const { timers } = this.#options;
    timers.clearTimeout(this.#pause);
    this.#pause = timers.setTimeout(() => {
      if (this.#phase === waiting) {
        this.#confirm();
        // What has been collected goes in a frame with a reply.
        if (this.bufferedAmount) return;
      }
      this.#pause = undefined;
    }, ms);
  }

  #confirm(): void {
    this.#isCollecting = false;
    this.#phase = idle;
    this.#outbox.confirm();
    this.#scheduleFlush();
    this.emit('drain');
  }

  #awaitReply(): void {
    this.#arm(this.#options.replyTimeoutMs, () => this.#finish(replyTimeoutCloseCode, 'no reply'));
  }

  #received(data: unknown): void {
    if (this.readyState === this.CLOSED) return;
    // Binary messages are outside the profile, as the empty text is.
    const frame = decodeServerFrame(typeof data === 'string' ? data : '');
    const whole = frame.kind === 'chunk' ? this.#assembler.accept(frame) : frame;
    if ('message' in whole) {
      const code = whole.kind === 'error' ? gatewayErrorCloseCode : badServerFrameCloseCode;
      this.#finish(code, whole.message); // [MQTT-4.8.0-2 v3]
      return;
    }
    // A reply without an outstanding frame confirms nothing; its packets are delivered like pushed
    // ones.
    if (whole.kind === 'reply' && this.#phase === awaitingReply) {
      this.#oneWayLeft = this.#options.acknowledge === 'always' ? 0 : maxOneWayFrames;
      this.#arm(this.#options.heartbeatMs, () => {
        this.#oneWayLeft = -1;
        this.#scheduleFlush();
      });
      this.#confirm();
    }
    if ('bytes' in whole)
      for (const { buffer } of this.#inbox.accept(whole.kind, whole.bytes, this.#outbox.isSubscribing))
        this.#deliver(buffer);
  }

  /** As in the standard, nothing is delivered after the library has called close. */
  #deliver(buffer: ArrayBuffer): void {
    const data = this.binaryType === 'blob' && runtime.Blob ? new runtime.Blob([buffer]) : buffer;
    if (this.readyState === this.OPEN) this.emit('message', { data });
  }

  /** CONNACK must be the first packet that the library gets [MQTT-3.2.0-1 v3+v5]. */
  #answerPing(): boolean {
    if (!this.#inbox.connackLength) return false;
    // Not inside `send`: the library may not expect it.
    void Promise.resolve().then(() => this.#deliver(Uint8Array.of(pingrespByte, 0).buffer));
    return true;
  }

  /**
   * Restarts the one timer of reply timeout and heartbeat. While closing, the first deadline stays.
   */
  #arm(ms: number, callback: () => void): void {
    if (this.#closing) return;
    this.#options.timers.clearTimeout(this.#timer);
    this.#timer = this.#options.timers.setTimeout(callback, ms);
  }

  /**
   * Ends without waiting for the closing handshake, since after a timeout the network may be gone.
   * Without `wasClean` the adapter itself gives up, and an `error` event precedes `close`.
   */
  #finish(code: number, reason: string, wasClean?: boolean): void {
    if (this.readyState === this.CLOSED) return;
    this.readyState = this.CLOSED;
    this.#options.timers.clearTimeout(this.#timer);
    this.#options.timers.clearTimeout(this.#pause);
    this.#native.close(code < 3000 ? 1000 : code);
    void Promise.resolve().then(() => {
      if (wasClean === undefined || code === wrongPortCloseCode) this.emit('error', { message: reason });
      this.emit('close', { code, reason, wasClean: wasClean === true });
    });
  }
}
