import type { Bytes } from './base64.ts';
import { type WireError, wireError } from './error.ts';
import { maxFrameBytes, maxPacketBytes } from './limits.ts';

/**
 * Length in bytes of the MQTT packet at the start of `bytes`, fixed header included, even if
 * `bytes` end before it does. 0 while the remaining length is incomplete; -1 if it is malformed:
 * its fourth byte announces a fifth (3.1.1 section 2.2.3; 5.0 section 1.5.5).
 */
export function packetLength(bytes: Uint8Array): number {
  let remaining = 0;
  for (let i = 0; i < 4; i++) {
    const byte = bytes[1 + i];
    if (byte === undefined) return 0;
    remaining += (byte & 127) << (7 * i);
    if (byte < 128) return remaining + 2 + i;
  }
  return -1;
}

export interface SplitResult {
  /** Complete packets in order, as views on the input. */
  readonly packets: Uint8Array[];
  /** Bytes after the last complete packet; empty if the input ends with a packet. */
  readonly rest: Uint8Array;
  /** `bad-length` or `packet-too-large`, for the packet at the start of `rest`. */
  readonly error: WireError | undefined;
}

/** Splits MQTT packets at their boundaries. Reads only lengths, not contents. */
export function splitPackets(bytes: Uint8Array): SplitResult {
  const packets: Uint8Array[] = [];
  let rest = bytes;
  let length = packetLength(rest);
  while (length > 0 && length <= maxPacketBytes && length <= rest.length) {
    packets.push(rest.subarray(0, length));
    rest = rest.subarray(length);
    length = packetLength(rest);
  }
  const code = length < 0 ? 'bad-length' : length > maxPacketBytes && 'packet-too-large';
  return { packets, rest, error: code ? wireError(code) : undefined };
}

/**
 * Groups packets, in order, into batches of at most `maxBytes` raw bytes. A larger packet is a
 * batch of its own and is sent in chunks.
 */
export function batchPackets(
  packets: readonly Uint8Array[],
  maxBytes: number = maxFrameBytes,
): Uint8Array[][] {
  const batches: Uint8Array[][] = [];
  let size = maxBytes;
  for (const packet of packets) {
    size += packet.length;
    const last = batches.at(-1);
    if (last && size <= maxBytes) {
      last.push(packet);
    } else {
      batches.push([packet]);
      size = packet.length;
    }
  }
  return batches;
}

export function concatBytes(parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
