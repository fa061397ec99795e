import type { Context } from '../core/context.ts';
import type { ConnectionAddress } from '../core/model.ts';
import { type Chunk, joinChunks } from '../wire/index.ts';

/**
 * The packet of a chunked message, `waiting` while chunks are missing, or the code of the
 * violation.
 */
type Collected = Uint8Array | 'waiting' | 'chunks-incomplete' | 'chunks-mismatched';

/**
 * Stores a chunk; the last one assembles the packet. A client has one frame in flight, so the last
 * chunk comes last; a client that breaks this rule gets its packet refused.
 *
 * A crash leaves chunks, which overwrite themselves when sent again and otherwise expire by TTL.
 */
export async function collectChunks(
  context: Context,
  address: ConnectionAddress,
  { id, index, count, bytes }: Chunk,
): Promise<Collected> {
  await context.chunks.put(address, id, index, bytes);
  if (index < count - 1) return 'waiting';
  const chunks = await context.chunks.read(address, id, count);
  if (chunks === undefined) return 'chunks-incomplete';
  const joined = joinChunks(chunks);
  return joined.kind === 'packet' ? joined.bytes : 'chunks-mismatched';
}
