import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { ClientKey, QueueEntry, Session } from '../core/model.ts';
import { mayGoDirect } from '../core/session-rules.ts';
import { isBegun, planRound, type Round } from './drain-round.ts';
import { deleteEntries, forceReconnect, ownedOnly, pushEntries } from './queue-entries.ts';

/**
 * After so many rounds a drain has worked long enough for others: it lets go of the right to send, and stops as soon as another handler is
 * sure to go on: one that has won a claim, or that of an acknowledgement which is still to come.
 */
const roundsInOneGo = 50;

/**
 * Sends what waits in a session's queue, oldest first, as far as the client's window allows. Call it when the queue or
 * the window may have changed: after storing an entry without pushing it, after deleting acknowledged entries, and on
 * resumption: first write, then drain, so that of two handlers at least the later one sees both changes.
 *
 * Entries are claimed for the current connection by one conditional write on the session row before they are sent, so
 * no two handlers send the same entry, and the window (Receive Maximum) is exact. While a handler sends what it has
 * claimed, no other claims: entries reach the client in their order, those sent again
 * included [MQTT-4.6.0-1 v3, MQTT-4.6.0-5 v3+v5, MQTT-4.6.0-6 v3+v5]. It lets go by another write
 * and looks once more, so what was stored meanwhile by handlers that left it to this one is sent as well.
 *
 * When everything has been sent, a session whose client has set no Receive Maximum goes to mode `direct`, in which the
 * handler that stores an entry sends it. The switch fails if anything has been numbered meanwhile.
 *
 * One that has sent for long lets go between rounds and leaves the rest to whoever comes next: it may stop while something
 * it has sent is unacknowledged, because the handler of that acknowledgement drains as well.
 *
 * A crash between claim and letting go leaves claimed entries unsent. Whoever comes when the time for sending is over
 * (an acknowledgement, a message, the keep-alive timer) ends the connection: the client resumes, and everything that is
 * not acknowledged is sent again.
 *
 * @param options.evenIfDirect the caller has stored an entry that nobody has pushed.
 * @returns the session as it was read last.
 */
export async function drain(
  context: Context,
  key: ClientKey,
  options: { readonly evenIfDirect?: boolean } = {},
): Promise<Session | undefined> {
  let evenIfDirect = options.evenIfDirect ?? false;
  /** The claim under which this handler sends; undefined: it does not hold the right to. */
  let mine: string | undefined;
  let session = await context.sessions.get(key);
  for (let rounds = 0; ; rounds += 1) {
    const tired = rounds >= roundsInOneGo;
    if (session?.address === undefined) return session;
    if (mine === undefined || session.claimedBy !== mine) {
      mine = undefined;
      if (session.mode === 'direct' && !evenIfDirect) return session;
      if (session.sendingUntilMs !== undefined) {
        // The handler that was sending has died: what it had claimed may never have left.
        if (session.sendingUntilMs <= context.clock.nowMs())
          await forceReconnect(context, session, session.address);
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
      if (tired && !holding) return session;
      continue;
    }
    await deleteDead(context, session, round.dead);
    mine = step === 'send' ? claimedBy : undefined;
    // Having let go, look once more: entries may have been left to this handler, in whichever mode.
    evenIfDirect = true;
    if (step === 'send') await send(context, session, session.address, round.picks);
    session = claimed;
  }
}

type Step = 'send' | 'let go' | 'go direct';

function nextStep(
  session: Session,
  round: Round,
  { holding, tired }: { readonly holding: boolean; readonly tired: boolean },
): Step | undefined {
  if (round.picks.length > 0) return 'send';
  if (!tired && round.caughtUp && mayGoDirect(session) && session.mode !== 'direct') return 'go direct';
  return holding || round.dead.length > 0 ? 'let go' : undefined;
}

/** One conditional write; a claim whose answer was lost is recognised by its id. */
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
  if (expired.length > 0) context.log.count(metrics.messagesExpired, expired.length);
  // Whoever ended that session has not handed on what a share had brought to it.
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
    // Whatever went wrong: the client is to come back for what it has not got.
    await context.gateway.close(address);
    throw error;
  }
}
