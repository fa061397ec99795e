import type { Context } from '../core/context.ts';
import type { ClientKey, QueueEntry, Session } from '../core/model.ts';
import { parseFilter } from '../topics/index.ts';
import { splitShares } from './audience.ts';
import { distributeShared } from './distribute.ts';
import { memberId } from './parcels.ts';
import { isExpired } from './post.ts';

/** A session that has ended; of one whose row is gone only this much is known. */
export type EndedSession = Session | (ClientKey & { readonly generation: string });

/**
 * Hands the shared messages that wait for a session that has ended to other members of their shares, before the queue is
 * deleted. At QoS 1 all that are unacknowledged (section 4.8.2 of MQTT 5.0); at QoS 2 those that were never sent: what
 * was on its way when the session ended goes to nobody else [MQTT-4.8.2-5 v5].
 *
 * A crash on the way lets the next attempt hand over again: at QoS 1 that may come twice, at QoS 2 the choice is kept.
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

/** Where the session's row is gone nobody knows: then not to send it is what QoS 2 allows. */
function mayHaveBeenSent(entry: QueueEntry, ended: EndedSession): boolean {
  if (entry.released || entry.pushedTo !== undefined || !('inFlight' in ended)) return true;
  return ended.inFlight.has(entry.packetIdentifier) || ended.resent.has(entry.packetIdentifier);
}
