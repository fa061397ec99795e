import { ChunkAssembler } from '../wire/assembler.ts';
import { decodeServerFrame } from '../wire/decode.ts';
import {
  badPacketCloseCode,
  badServerFrameCloseCode,
  gatewayErrorCloseCode,
  heartbeatMs,
  maxOneWayFrames,
  replyTimeoutCloseCode,
  replyTimeoutMs,
  spacingMs,
  subprotocol,
} from '../wire/limits.ts';
import { Emitter } from './emitter.ts';
import { Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';
import type { AdapterOptions, NativeWebSocket, NativeWebSocketConstructor, Timers } from './types.ts';

interface Runtime extends Timers {
  WebSocket?: NativeWebSocketConstructor;
  Blob?: new (parts: unknown[]) => unknown;
}

/** Phases of sending: nothing to do; not open yet, about to send, or after a one-way frame; a frame awaits its reply. */
const idle = 0;
const waiting = 1;
const awaitingReply = 2;

const runtime = globalThis as unknown as Runtime;

/**
 * A WebSocket, as MQTT libraries see one, that speaks the wire profile `wisp.b64.v1` (docs/wire.md) underneath: binary
 * MQTT in pieces of any size goes in, whole packets come out.
 *
 * Differences from the standard: `send` is allowed while connecting (the bytes are queued); `bufferedAmount` counts
 * bytes until the server has confirmed them, or the pause after their one-way frame is over; `close` first sends what is queued, for at most `replyTimeoutMs`; a
 * `drain` event follows each confirmation; text cannot be sent.
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
  /** Written by the adapter only, as `protocol` is. */
  readyState = 0;
  /** What the MQTT library asked for, once open: the subprotocol underneath is the adapter's own affair. */
  protocol = '';

  readonly #native: NativeWebSocket;
  readonly #assembler = new ChunkAssembler();
  readonly #inbox = new Inbox();
  readonly #outbox = new Outbox();
  readonly #options: AdapterOptions &
    Required<Pick<AdapterOptions, 'timers' | 'spacingMs' | 'replyTimeoutMs' | 'heartbeatMs'>>;
  /** A reply is awaited, or the heartbeat. */
  #timer: unknown;
  /** The pause after a one-way frame. */
  #pause: unknown;
  /** One-way frames that may go before the next reply; negative: a reply is overdue, and a heartbeat asks for one. */
  #oneWayLeft = 0;
  #phase = waiting;
  /** Closes the socket underneath, once there is nothing left to send. */
  #closing: (() => void) | undefined;

  /**
   * @param url of the API's stage, such as `wss://example.com/mqtt?token=…`
   * @param protocols what the MQTT library asks for; the first is what `protocol` reports, `mqtt` by default
   */
  constructor(url: string, protocols: string | readonly string[] = 'mqtt', options: AdapterOptions = {}) {
    super();
    const { WebSocket: Native = runtime.WebSocket, headers } = options;
    if (!Native) throw new TypeError('pass a WebSocket as option');
    this.url = url;
    this.#options = { timers: runtime, spacingMs, replyTimeoutMs, heartbeatMs, ...options };
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

  get bufferedAmount(): number {
    return this.#outbox.bufferedAmount;
  }

  /** Queues MQTT bytes: any piece of any number of packets of at most 131,072 bytes each. Copies them. */
  send(data: ArrayBuffer | ArrayBufferView): void {
    const { buffer = data, byteOffset, byteLength } = data as ArrayBufferView<ArrayBuffer>;
    if (byteLength === undefined) throw new TypeError('not bytes');
    if (this.readyState > this.OPEN) return;
    // Copied: the caller may write to its memory afterwards.
    const error = this.#outbox.write(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength).slice());
    if (error) this.#finish(badPacketCloseCode, error.message);
    else this.#scheduleFlush();
  }

  /** Sends what is queued, then closes. `code` is 1000 (the default) or 3000–4999. */
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

  /** Waits for the end of the turn: what a library writes in one go becomes one frame, one billed message. */
  #scheduleFlush(): void {
    if (this.#phase) return;
    this.#phase = waiting;
    void Promise.resolve().then(() => {
      if (this.readyState === this.CLOSED) return;
      const text =
        this.#outbox.next(this.#oneWayLeft > 0 && this.#inbox.connackLength) ?? (this.#oneWayLeft < 0 && '.');
      this.#phase = idle;
      if (!text) this.#closing?.();
      else {
        if (text[0] === '{') {
          this.#phase = waiting;
          this.#oneWayLeft--;
          this.#pause = this.#options.timers.setTimeout(() => this.#confirm(), this.#options.spacingMs);
        } else {
          this.#phase = awaitingReply;
          this.#awaitReply();
        }
        this.#native.send(text);
      }
    });
  }

  #confirm(): void {
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
    // A binary message is as wrong as an empty one.
    const frame = decodeServerFrame(typeof data === 'string' ? data : '');
    const whole = frame.kind === 'chunk' ? this.#assembler.accept(frame) : frame;
    if ('message' in whole) {
      // A packet that the server failed to handle ends its connection [MQTT-4.8.0-2 v3].
      this.#finish(whole.kind === 'error' ? gatewayErrorCloseCode : badServerFrameCloseCode, whole.message);
      return;
    }
    // A reply that nobody waits for completes nothing; the packets in it are as good as pushed ones.
    if (whole.kind === 'reply' && this.#phase === awaitingReply) {
      this.#oneWayLeft = this.#options.acknowledge === 'needed' ? maxOneWayFrames : 0;
      this.#arm(this.#options.heartbeatMs, () => {
        this.#oneWayLeft = -1;
        this.#scheduleFlush();
      });
      this.#confirm();
    }
    if ('bytes' in whole)
      for (const { buffer } of this.#inbox.accept(whole.kind, whole.bytes)) {
        const data = this.binaryType === 'blob' && runtime.Blob ? new runtime.Blob([buffer]) : buffer;
        // As in the standard: nothing is delivered any more once the library has called close.
        if (this.readyState === this.OPEN) this.emit('message', { data });
      }
  }

  /** One timer serves both: a reply is awaited, or there was none for long. Once closing, the first deadline stands. */
  #arm(ms: number, callback: () => void): void {
    if (this.#closing) return;
    this.#options.timers.clearTimeout(this.#timer);
    this.#timer = this.#options.timers.setTimeout(callback, ms);
  }

  /**
   * Ends without waiting for the closing handshake, since after a timeout the network may be gone. `wasClean` is absent
   * where the adapter itself gives up.
   */
  #finish(code: number, reason: string, wasClean?: boolean): void {
    if (this.readyState === this.CLOSED) return;
    this.readyState = this.CLOSED;
    this.#options.timers.clearTimeout(this.#timer);
    this.#options.timers.clearTimeout(this.#pause);
    this.#native.close(code < 3000 ? 1000 : code);
    void Promise.resolve().then(() => {
      if (wasClean === undefined) this.emit('error', { message: reason });
      this.emit('close', { code, reason, wasClean: wasClean === true });
    });
  }
}
