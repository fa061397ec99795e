import type { WebSocket } from 'ws';
import * as ws from 'ws';
import { maxFrameBytes } from './limits.ts';

type Callback = (error?: Error) => void;

/** The part of ws's frame parser that is used here. */
interface Receiver {
  /** Of the frame in hand; a continuation bears that of its message. 1 is text, 2 binary, from 8 on control. */
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

/** Codes of the `error` event of a WebSocket, as ws has them, and one of our own. */
const closeCodes: Readonly<Record<string, number>> = {
  WS_ERR_UNEXPECTED_BINARY: 1003,
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
};

/** The code that ws has closed the connection with after an error; 1006 if the network failed. */
export function closeCodeOf(error: Error): number {
  const code = 'code' in error ? String(error.code) : '';
  return closeCodes[code] ?? (code.startsWith('WS_ERR_') ? 1002 : 1006);
}

/**
 * Refuses binary frames (1003) and frames over 32 KB (1009) as soon as their length is known, in order after the
 * frames before them. ws itself knows only a limit per message, and its events do not tell how one was framed;
 * hence the hook into its receiver, which `assertFrameLimits` proves to be there.
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

/** Better no gateway than a lenient one. */
export function assertFrameLimits(): void {
  const type: unknown = Reflect.get(ws, 'Receiver');
  if (typeof type !== 'function' || !isReceiver(type.prototype)) {
    throw new Error('This version of ws has another frame parser than the gateway knows: install ws 8.23');
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
