import type { Context } from '../../core/context.ts';
import type { Connection } from '../../core/model.ts';
import { drain } from '../../delivery/drain.ts';
import { continueAfterAcknowledgement } from '../../delivery/retained-waiting.ts';
import {
  isFailure,
  type PubackPacket,
  type PubcompPacket,
  type PubrecPacket,
  type PubrelPacket,
  reasonCodes,
} from '../../mqtt/index.ts';
import type { Outcome } from '../../sessions/outcome.ts';
import { noteReleased } from '../received-tally.ts';
import type { Peer, Run } from './handler.ts';

/**
 * Packets that complete a delivery: PUBACK, PUBCOMP, and PUBREC with a failure [MQTT-4.4.0-2 v5].
 */
export type FinalAcknowledgement = PubackPacket | PubcompPacket | PubrecPacket;

/** Whether a PUBREC refuses the message and so completes its delivery. */
export function isRefusal(packet: PubrecPacket): boolean {
  return isFailed(packet);
}

/**
 * Deletes the acknowledged entries from the queue in one batch, then drains the queue, and
 * continues retained messages that wait for room in it. A message that the client refuses is not
 * sent again, neither to this client nor to another member of the share. Unknown packet identifiers
 * are ignored: an acknowledgement may come twice.
 *
 * [MQTT-4.4.0-2 v5, MQTT-4.8.2-6 v5]
 */
export async function handleFinalAcknowledgements(
  { context, connection }: Peer,
  run: Run<FinalAcknowledgement>,
): Promise<Outcome> {
  const identifiers = [...new Set(run.map(({ messageId }) => messageId))];
  await context.queue.delete(connection, identifiers);
  noteAcknowledged(context, connection, run);
  const session = await drain(context, connection);
  await continueAfterAcknowledgement(context, session, identifiers);
  return { replies: [] };
}

/**
 * PUBREC without a failure: the client has the message. Its payload leaves the queue, with one
 * write for all entries that share a row, and PUBREL answers. Until PUBCOMP, resumption sends
 * PUBREL again instead of PUBLISH. The handler is idempotent. An unknown identifier gets PUBREL
 * with 0x92 in 5.0, which ends the exchange on both sides.
 *
 * [MQTT-4.3.3-4 v5, MQTT-2.2.1-5 v5, MQTT-4.3.3-1 v3, MQTT-4.3.3-3 v5, MQTT-4.3.3-5 v5,
 * MQTT-4.3.3-6 v5]
 */
export async function handlePubrecs({ context, connection }: Peer, run: Run<PubrecPacket>): Promise<Outcome> {
  const identifiers = [...new Set(run.map(({ messageId }) => messageId))];
  const released = await context.queue.release(connection, identifiers);
  noteAcknowledged(context, connection, run);
  const replies = run.map(({ messageId }): PubrelPacket => {
    const isKnown = released.has(messageId);
    return { cmd: 'pubrel', messageId, ...reasonCodeFor(connection.protocolVersion, isKnown) };
  });
  return { replies };
}

/**
 * PUBREL: frees the packet identifier and answers PUBCOMP. The marks of a run are deleted
 * concurrently, each before its answer. A repeated PUBREL, or one without a PUBLISH, gets PUBCOMP
 * with 0x92 in 5.0. Where the connection has resumed its session, it gets success: the PUBCOMP of
 * the earlier connection may have been lost, and clients take 0x92 for a failed delivery.
 *
 * [MQTT-4.3.3-12 v5, MQTT-4.3.3-11 v5, MQTT-2.2.1-5 v5, MQTT-4.3.3-2 v3]
 */
export async function handlePubrels({ context, connection }: Peer, run: Run<PubrelPacket>): Promise<Outcome> {
  const seen = new Set<number>();
  const isResumed = connection.generation !== connection.address;
  noteReleased(context, connection.address, run.length);
  const replies = run.map(async ({ messageId }): Promise<PubcompPacket> => {
    const isRepeated = seen.has(messageId);
    seen.add(messageId);
    const isKnown =
      !isRepeated && (await context.receivedMarks.delete(connection, connection.generation, messageId));
    return { cmd: 'pubcomp', messageId, ...reasonCodeFor(connection.protocolVersion, isKnown || isResumed) };
  });
  return { replies: await Promise.all(replies) };
}

/** A line for the packets of a run, which may be many, with their identifiers. */
function noteAcknowledged({ traces }: Context, connection: Connection, run: Run<FinalAcknowledgement>): void {
  if (!traces.isTraced(connection)) return;
  const shown = run.slice(0, maxShownIdentifiers).map(({ messageId }) => messageId);
  const rest = run.length > shown.length ? ', …' : '';
  const packetId = run.length === 1 ? run[0].messageId : `${shown.join(', ')}${rest}`;
  const refused = run.find(isFailed)?.reasonCode;
  traces.note(connection, 'acknowledged', {
    packet: run[0].cmd,
    packetId,
    ...(run.length === 1 ? {} : { count: run.length }),
    ...(refused === undefined ? {} : { reasonCode: refused }),
  });
}

const maxShownIdentifiers = 20;

function isFailed({ reasonCode = reasonCodes.success.code }: FinalAcknowledgement): boolean {
  return isFailure(reasonCode);
}

function reasonCodeFor(protocolVersion: 3 | 4 | 5, isKnown: boolean): { reasonCode?: number } {
  if (protocolVersion < 5) return {};
  const { success, packetIdentifierNotFound } = reasonCodes;
  return { reasonCode: isKnown ? success.code : packetIdentifierNotFound.code };
}
