import { encodeBase64 } from './base64.ts';
import { maxFrameBytes } from './limits.ts';
import { batchPackets, concatBytes } from './packets.ts';

/** The client's heartbeat: asks only for a reply. */
export const heartbeatFrame = '.';

/** `B`: one or more complete packets, as a client's frame or as a push; at most 24,000 raw bytes, not empty. */
export function encodePackets(bytes: Uint8Array): string {
  return encodeBase64(bytes);
}

/** `.` or `.B`: the route response that completes a frame; `bytes` are complete packets, at most 24,000 raw bytes. */
export function encodeReply(bytes?: Uint8Array): string {
  return bytes ? `.${encodeBase64(bytes)}` : '.';
}

/**
 * `~id:index:count:B` for each chunk of one packet larger than 24,000 bytes, in order. Every chunk but the last holds
 * exactly 24,000 raw bytes. `id` is 1–8 characters of `[0-9a-z]`, unlike the id of any other packet that is unfinished
 * on this connection in this direction.
 */
export function encodeChunks(id: string, packet: Uint8Array): string[] {
  const count = Math.ceil(packet.length / maxFrameBytes);
  const texts: string[] = [];
  for (let index = 0; index < count; index++) {
    const start = index * maxFrameBytes;
    texts.push(`~${id}:${index}:${count}:${encodeBase64(packet.subarray(start, start + maxFrameBytes))}`);
  }
  return texts;
}

/** All packets as text messages in order: batches of at most 24,000 raw bytes, chunks for what is larger. */
export function encodeMessages(packets: readonly Uint8Array[], nextChunkId: () => string): string[] {
  return batchPackets(packets).flatMap((batch) => {
    const bytes = concatBytes(batch);
    return bytes.length > maxFrameBytes ? encodeChunks(nextChunkId(), bytes) : encodeBase64(bytes);
  });
}

export interface ResponseMessages {
  /** The one route response. */
  readonly reply: string;
  /** Text messages to push after it, in order; almost always none. */
  readonly pushes: string[];
}

/**
 * The replies to one frame: the route response takes complete packets from the front up to 24,000 raw bytes, the rest
 * goes as pushes. A first packet larger than that (the SUBACK of more than 24,000 filters) leaves the route response
 * `.` and goes as pushed chunks.
 */
export function encodeResponse(packets: readonly Uint8Array[], nextChunkId: () => string): ResponseMessages {
  const first = batchPackets(packets)[0] ?? [];
  const fits = first[0] !== undefined && first[0].length <= maxFrameBytes;
  return {
    reply: encodeReply(fits ? concatBytes(first) : undefined),
    pushes: encodeMessages(packets.slice(fits ? first.length : 0), nextChunkId),
  };
}
