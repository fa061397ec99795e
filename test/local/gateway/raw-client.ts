import { connect, type Socket } from 'node:net';
import type { Gateway } from '../../../lib/local/gateway/index.ts';
import { onCleanup } from './harness.ts';

export interface ServerFrame {
  readonly fin: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
}

export interface RawClient {
  readonly socket: Socket;
  /** Status line and headers of the response. */
  readonly head: string;
  nextFrame(): Promise<ServerFrame>;
}

/** Shows frames, which a WebSocket library hides. `lines` are header lines of the handshake. */
export async function connectRaw(
  gateway: Gateway,
  lines: readonly string[] = handshakeLines,
): Promise<RawClient> {
  const socket = connect(gateway.port, '127.0.0.1');
  onCleanup(() => socket.destroy());
  socket.on('error', () => {});
  socket.write(
    `GET /mqtt HTTP/1.1\r\nHost: example.test\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`,
  );
  let buffer: Buffer = Buffer.alloc(0);
  let wake = () => {};
  socket.on('data', (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    wake();
  });
  socket.on('close', () => wake());
  const until = async <T>(read: () => T | undefined): Promise<T> => {
    for (;;) {
      const value = read();
      if (value !== undefined) return value;
      if (socket.destroyed) throw new Error('The gateway closed the socket');
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const head = await until(() => {
    const end = buffer.indexOf('\r\n\r\n');
    if (end === -1) return undefined;
    const text = buffer.toString('latin1', 0, end);
    buffer = buffer.subarray(end + 4);
    return text;
  });
  return {
    socket,
    head,
    nextFrame: () =>
      until(() => {
        const frame = readFrame(buffer);
        if (!frame) return undefined;
        buffer = buffer.subarray(frame.end);
        return frame;
      }),
  };
}

export const handshakeLines = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

function readFrame(buffer: Buffer): (ServerFrame & { readonly end: number }) | undefined {
  const [first, second] = buffer;
  if (first === undefined || second === undefined) return undefined;
  let start = 2;
  let length = second & 0x7f;
  if (length >= 126) {
    const lengthBytes = length === 126 ? 2 : 8;
    if (buffer.length < 2 + lengthBytes) return undefined;
    start += lengthBytes;
    length = length === 126 ? buffer.readUInt16BE(2) : Number(buffer.readBigUInt64BE(2));
  }
  const end = start + length;
  if (buffer.length < end) return undefined;
  return { fin: (first & 0x80) !== 0, opcode: first & 0x0f, payload: buffer.subarray(start, end), end };
}
