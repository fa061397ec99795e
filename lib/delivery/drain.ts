import type { Context } from '../core/context.ts';
import type { ClientKey, QueueEntry, Session } from '../core/model.ts';
import { mayGoDirect } from '../core/session-rules.ts';
import { isBegun, planRound, type Round } from './drain-round.ts';
import { noteOutdated } from './outdated.ts';
import { deleteEntries, forceReconnect, ownedOnly, pushEntries } from './queue-entries.ts';

/**
 * Rounds after which a drain releases its lease. It then stops as soon as another handler will
 * continue: one that has won a claim, or the handler of an acknowledgement that is still to come.
 */
const roundsInOneGo = 50;

/**
 * Sends the waiting entries of a session's queue, oldest first, as far as the client's window
 * allows. Call it after a write that changes the queue or the window: storing an entry without
 * pushing it, deleting acknowledged entries, resuming the session. Of two concurrent handlers, at
 * least the later one then sees both changes.
 *
 * One conditional write on the session row claims entries for the current connection before they
 * are sent. So no two handlers send the same entry, and the window (Receive Maximum) is exact. The
 * claim is also a lease: while its holder sends, no other handler claims, and entries reach the
 * client in their order, including those that are sent again. A second write releases the lease.
 * The holder then lists the queue once more, for entries that other handlers have left to it.
 *
 * When everything has been sent, a session whose client has set no Receive Maximum changes to mode
 * `direct`, in which the handler that stores an entry also sends it. The change fails if anything
 * has been numbered meanwhile.
 *
 * After many rounds the holder releases the lease and leaves the rest to another handler. It may
 * stop while a sent entry is unacknowledged, because the handler of the acknowledgement drains as
 * well.
 *
 * A crash while the lease is held may leave claimed entries unsent. The first handler that finds
 * the lease expired ends the connection. The client resumes, and everything unacknowledged is sent
 * again. Whoever leaves messages to a lease that has not expired sets a timer that will look
 * (sender-watch.ts). So do those who publish again what they have no acknowledgement for.
 * [MQTT-4.6.0-1 v3, MQTT-4.6.0-5 v3+v5, MQTT-4.6.0-6 v3+v5]
 *
 * @param options.evenIfDirect the caller has stored an entry that no handler has pushed.
 * @returns the session as last read.
 */
export async function drain(
  context: Context,
  key: ClientKey,
  options: { readonly evenIfDirect?: boolean } = {},
): Promise<Session | undefined> {
  let evenIfDirect = options.evenIfDirect ?? false;
  /** Id of the claim whose lease this handler holds. */
  let mine: string | undefined;
  let session = await context.sessions.get(key);
  for (let rounds = 0; ; rounds += 1) {
    const tired = rounds >= roundsInOneGo;
    if (session?.address === undefined) return session;
    if (mine === undefined || session.claimedBy !== mine) {
      mine = undefined;
      if (session.mode === 'direct' && !evenIfDirect) return session;
      if (session.sendingUntilMs !== undefined) {
        await leaveToHolder(context, session);
        return session;
      }
    }
    const holding: boolean = mine !== undefined;
    const round = await planRound(context, session, { sendNothing: tired && holding });
    if (tired && !holding && round.awaited > 0) return session;
    const step = nextStep(session, round, { holding, tired });
    if (step === undefined) return session;
    const claimedBy = context.ids.unique();
    const claimed = await claim(context, session, round, step, claimedBy);
    if (claimed === undefined) {
      session = await context.sessions.get(key);
      if (tired && !holding) {
        await leaveToHolder(context, session);
        return session;
      }
      continue;
    }
    await deleteDead(context, session, round.dead);
    mine = step === 'send' ? claimedBy : undefined;
    // After the release, list once more: other handlers may have left entries to this one.
    evenIfDirect = true;
    if (step === 'send') await send(context, session, session.address, round.picks);
    session = claimed;
  }
}

/**
 * Leaves what waits to the handler that holds the session's lease. An expired one means that its
 * holder has died and may not have sent what it claimed.
 */
async function leaveToHolder(context: Context, session: Session | undefined): Promise<void> {
  if (session?.address === undefined || session.sendingUntilMs === undefined) return;
  const { address, sendingUntilMs } = session;
  if (sendingUntilMs <= context.clock.nowMs()) await forceReconnect(context, session, address);
  else await context.senders.watch({ ...session, address, sendingUntilMs });
}

type Step = 'send' | 'release' | 'go direct';

function nextStep(
  session: Session,
  round: Round,
  { holding, tired }: { readonly holding: boolean; readonly tired: boolean },
): Step | undefined {
  if (round.picks.length > 0) return 'send';
  if (!tired && round.caughtUp && mayGoDirect(session) && session.mode !== 'direct') return 'go direct';
  return holding || round.dead.length > 0 ? 'release' : undefined;
}

/**
 * One conditional write. The claim's id shows whether a write whose answer was lost has succeeded.
 */
async function claim(
  context: Context,
  session: Session,
  round: Round,
  step: Step,
  claimedBy: string,
): Promise<Session | undefined> {
  const claimed = await context.sessions.claim(session, {
    claimedBy,
    inFlight: round.inFlight,
    resent: round.resent,
    opened: round.opened,
    mode: step === 'send' ? 'queued' : step === 'go direct' ? 'direct' : session.mode,
    onlyAtSequence: step === 'go direct',
    ...(step === 'send'
      ? { sendingUntilMs: context.clock.nowMs() + context.settings.sendingSeconds * 1000 }
      : {}),
  });
  if (claimed !== undefined) return claimed;
  const now = await context.sessions.get(session);
  return now?.claimedBy === claimedBy ? now : undefined;
}

async function deleteDead(context: Context, session: Session, dead: readonly QueueEntry[]): Promise<void> {
  if (dead.length === 0) return;
  const expired = dead.filter((entry) => entry.generation === session.generation);
  noteOutdated(context, session, expired);
  // The end of those sessions has not handed their shared messages to other members yet.
  const unfinished = new Set(
    dead
      .filter((entry) => entry.share !== undefined && !expired.includes(entry))
      .map(({ generation }) => generation),
  );
  for (const generation of unfinished) await context.sessionEnded(session, generation);
  await deleteEntries(
    context,
    session,
    dead.filter(({ generation }) => !unfinished.has(generation)),
  );
}

async function send(
  context: Context,
  session: Session,
  address: NonNullable<Session['address']>,
  picks: readonly QueueEntry[],
): Promise<void> {
  try {
    const owned = await ownedOnly(context, session, address, picks);
    if (owned === undefined) return await forceReconnect(context, session, address);
    const resent = new Set(
      owned.filter((entry) => isBegun(session, entry)).map((entry) => entry.packetIdentifier),
    );
    await pushEntries(context, session, { ...session, address }, owned, resent);
  } catch (error) {
    // The client reconnects and gets what it has not received.
    await context.gateway.close(address);
    throw error;
  }
}
