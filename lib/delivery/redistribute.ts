import type { Context } from '../core/context.ts';
import type { ClientKey, QueueEntry, Session } from '../core/model.ts';
import { parseFilter } from '../topics/index.ts';
import { splitShares } from './audience.ts';
import { distributeShared } from './distribute.ts';
import { noteOutdated } from './outdated.ts';
import { memberId } from './parcels.ts';
import { isExpired } from './post.ts';

/** An ended session; if its row is gone, only key and generation are known. */
export type EndedSession = Session | (ClientKey & { readonly generation: string });

/**
 * Hands the shared messages in the queue of an ended session to other members of their shares,
 * before the queue is deleted: at QoS 1 all unacknowledged ones (section 4.8.2 of MQTT 5.0), at QoS
 * 2 only those that were never sent.
 *
 * After a crash the next attempt hands them over again: QoS 1 copies may arrive twice, at QoS 2 the
 * stored choice of a member prevents it. [MQTT-4.8.2-5 v5]
 */
export async function redistributeShared(
  context: Context,
  ended: EndedSession,
  entries: readonly QueueEntry[],
): Promise<void> {
  const nowMs = context.clock.nowMs();
  const movable = entries.filter(
    (entry) => !isExpired(entry.message, nowMs) && (entry.qos === 1 || !mayHaveBeenSent(entry, ended)),
  );
  noteOutdated(
    context,
    ended,
    entries.filter(({ message }) => isExpired(message, nowMs)),
  );
  const failed = [memberId(ended)];
  for (const shareId of new Set(movable.flatMap((entry) => entry.share ?? []))) {
    const parsed = parseFilter(shareId);
    if ('code' in parsed) continue;
    const { filter, shareName } = parsed;
    if (shareName === undefined) continue;
    const members = await context.subscriptions.shareMembers(ended.tenant, filter, {
      perShare: context.settings.shareSample,
      consistent: true,
      shareName,
    });
    const share = splitShares(members).shares.find(({ id }) => id === shareId);
    if (share === undefined) continue;
    const messages = movable.filter((entry) => entry.share === shareId).map(({ message }) => message);
    await distributeShared(
      context,
      ended.tenant,
      messages.map((message) => ({ message, share, failed })),
    );
  }
}

/** If the session's row is gone, nobody knows; QoS 2 then forbids sending. */
function mayHaveBeenSent(entry: QueueEntry, ended: EndedSession): boolean {
  if (entry.released || entry.pushedTo !== undefined || !('inFlight' in ended)) return true;
  return ended.inFlight.has(entry.packetIdentifier) || ended.resent.has(entry.packetIdentifier);
}
