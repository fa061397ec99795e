import type { WebSocket } from 'ws';
import * as ws from 'ws';
import { maxFrameBytes } from './limits.ts';

type Callback = (error?: Error) => void;

/** The part of ws's frame parser that this file uses. */
interface Receiver {
  /**
   * Opcode of the current frame; a continuation has that of its message. 1: text, 2: binary, ≥ 8:
   * control.
   */
  readonly _opcode: number;
  readonly _payloadLength: number;
  haveLength(callback: Callback): void;
  createError(
    type: typeof RangeError,
    message: string,
    prefix: boolean,
    closeCode: number,
    code: string,
  ): Error;
}

/** Close codes by the `code` of ws's errors. WS_ERR_UNEXPECTED_BINARY is defined in this file. */
const closeCodes: Readonly<Record<string, number>> = {
  WS_ERR_UNEXPECTED_BINARY: 1003,
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
};

/** The close code that ws used after an error; 1006 if the network failed. */
export function closeCodeOf(error: Error): number {
  const code = 'code' in error ? String(error.code) : '';
  return closeCodes[code] ?? (code.startsWith('WS_ERR_') ? 1002 : 1006);
}

/**
 * Refuses binary frames (1003) and frames over 32 KB (1009) as soon as their length is known, after
 * all earlier frames. ws only limits messages and does not tell how a message was framed. This
 * therefore hooks into ws's receiver; `assertFrameLimits` checks that the hook exists.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-binary-media-types.html
 */
export function limitFrames(socket: WebSocket): void {
  const receiver: unknown = Reflect.get(socket, '_receiver');
  if (isReceiver(receiver)) receiver.haveLength = haveStrictLength;
}

function haveStrictLength(this: Receiver, callback: Callback): void {
  if (this._opcode === 2) {
    callback(
      this.createError(
        RangeError,
        'Binary frames are not supported',
        false,
        1003,
        'WS_ERR_UNEXPECTED_BINARY',
      ),
    );
  } else if (this._opcode < 8 && this._payloadLength > maxFrameBytes) {
    const message = `Frame exceeds ${maxFrameBytes} bytes`;
    callback(this.createError(RangeError, message, false, 1009, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'));
  } else {
    const prototype: unknown = Object.getPrototypeOf(this);
    if (isReceiver(prototype)) prototype.haveLength.call(this, callback);
  }
}

/** Fails at start if the hook does not exist, because the gateway would then accept too much. */
export function assertFrameLimits(): void {
  const type: unknown = Reflect.get(ws, 'Receiver');
  if (typeof type !== 'function' || !isReceiver(type.prototype)) {
    throw new Error('the gateway does not support the frame parser of this version of ws; install ws 8.23');
  }
}

function isReceiver(value: unknown): value is Receiver {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'haveLength') === 'function' &&
    typeof Reflect.get(value, 'createError') === 'function'
  );
}
