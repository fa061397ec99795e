import type { Context } from '../core/context.ts';
import type { Connection, TenantLive, UnfinishedPacket } from '../core/model.ts';
import { effectiveQuotas, maxPacketBytesOf } from '../core/quotas.ts';
import { type MqttReasonName, type Refusal, refusal } from '../core/reasons.ts';
import { bytesRefusal } from '../limits/publish-quotas.ts';
import { writeRateUse } from '../limits/rates.ts';
import { type Chunk, joinChunks, maxFrameBytes, maxUnfinishedPackets, packetLength } from '../wire/index.ts';
import { packetsRefusal, unitsOfBytes } from './packet-rate.ts';

/**
 * The bytes of a complete packet, `waiting` while chunks are missing, or why the chunk is refused.
 */
type Collected = Uint8Array | 'waiting' | Refusal;

/**
 * Stores a chunk; the last one completes the packet. The first chunk must come first: it tells the
 * length of the packet and claims one of the connection's {@link maxUnfinishedPackets} slots in the
 * connection's row, which each frame reads anyway. The last chunk is not stored: it frees the slot
 * by a conditional write, so a packet is put together once. What its chunks leave belongs to no
 * packet any more; the next packet in the slot overwrites it, or it expires by TTL. (Deleting a
 * chunk costs as much as writing it.)
 *
 * The packet size and the rates apply to each chunk before it is stored.
 *
 * A crash, or a lost answer of the write that frees the slot, loses the packet: the connection
 * ends, and the client sends the packet again where MQTT demands it.
 */
export async function collectChunks(
  context: Context,
  connection: Connection,
  live: TenantLive,
  chunk: Chunk,
): Promise<Collected> {
  const { address, tenant, rateUse } = connection;
  const { index, count, bytes } = chunk;
  const quotas = effectiveQuotas(context.settings, live.quotas, connection.quotas);
  const maxPacketBytes = maxPacketBytesOf(context.settings, quotas);
  const minPacketBytes = index === 0 ? packetLength(bytes) : index * maxFrameBytes + bytes.length;
  if (minPacketBytes > maxPacketBytes) return refusal('packet-too-large', `${maxPacketBytes}`);
  const bearer = { quotas, client: { name: address, use: rateUse } };
  const tooFast =
    packetsRefusal(context, connection, live, 1 + unitsOfBytes(bytes.length)) ??
    bytesRefusal(context, tenant, bearer, bytes.length);
  if (tooFast !== undefined) return tooFast;
  await writeRateUse(context, connection);
  const packet = await slotOf(context, connection, chunk);
  if (typeof packet === 'string') return refusal(packet);
  if (index < count - 1) {
    await context.chunks.put(address, packet, index, bytes);
    return 'waiting';
  }
  const earlier = await context.chunks.read(address, packet, count - 1);
  if (earlier === undefined || !(await context.chunks.finish(address, packet)))
    return refusal('chunks-incomplete');
  const joined = joinChunks([...earlier, bytes]);
  return joined.kind === 'packet' ? joined.bytes : refusal('chunks-mismatched');
}

/**
 * The slot of the packet that a chunk belongs to; the first chunk claims one. Frames that run
 * concurrently, against the profile, may choose the same slot: one of them reads the row again.
 */
async function slotOf(
  context: Context,
  connection: Connection,
  { id, index, count, bytes }: Chunk,
): Promise<UnfinishedPacket | MqttReasonName> {
  const { address } = connection;
  let unfinished = connection.unfinishedPackets ?? [];
  for (let attempt = 0; attempt < maxUnfinishedPackets; attempt++) {
    const known = unfinished.find((packet) => packet.id === id);
    if (known !== undefined) {
      const isOfPacket =
        Math.ceil(known.bytes / maxFrameBytes) === count &&
        (index > 0 || packetLength(bytes) === known.bytes) &&
        (index < count - 1 || index * maxFrameBytes + bytes.length === known.bytes);
      return isOfPacket ? known : 'chunks-mismatched';
    }
    if (index > 0) return 'chunks-incomplete';
    if (unfinished.length >= maxUnfinishedPackets) return 'too-many-unfinished';
    const taken = new Set(unfinished.map(({ slot }) => slot));
    let slot = 0;
    while (taken.has(slot)) slot++;
    const begun = { slot, id, key: context.ids.unique(), bytes: packetLength(bytes) };
    if (await context.chunks.begin(address, begun)) return begun;
    const current = await context.connections.get(address);
    if (current === undefined) return 'chunks-incomplete';
    unfinished = current.unfinishedPackets ?? [];
  }
  return 'too-many-unfinished';
}
