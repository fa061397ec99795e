import type { Context } from '../core/context.ts';
import type { Connection } from '../core/model.ts';

/**
 * Activity within this share of the keep-alive is doubtful: it may be a post. An idle client sends
 * PINGREQ once per keep-alive, so a look, which comes after 1.5 or up to a sixth earlier, finds
 * activity a third of a keep-alive ago or more.
 */
const doubtfulShare = 0.25;
/**
 * A frame notes itself when none has been noted for so long, in milliseconds: more than half of the
 * 2 hours of a connection, so that an idle connection pays for one write.
 */
const noteAfterMs = 61 * 60_000;
/**
 * Activity is doubtful, too, if no frame has been noted for so long, in milliseconds: a client with
 * the longest keep-alive has sent a frame since {@link noteAfterMs}.
 */
const doubtfulAfterMs = 75 * 60_000;
/**
 * Time after a watch for its last frame, in milliseconds. A frame notes itself when its handler has
 * read the row, which takes a while. It may read the row as it was before the watch began, and so
 * not note itself; the client's next frame comes within the keep-alive. Where that is short, so is
 * this time: a dead client is found within some seconds.
 */
function lateNoteMs(keepAliveSeconds: number): number {
  return Math.min(2_000, Math.max(1_000, keepAliveSeconds * 500));
}

/**
 * Whether a watched connection has been silent: no MQTT packet of the client since the watch began,
 * 1.5 times the keep-alive ago. [MQTT-3.1.2-22 v5, MQTT-3.1.2-24 v3]
 */
export function isSilent(connection: Connection, nowMs: number): boolean {
  const endsAtMs = watchEndsAtMs(connection);
  return endsAtMs !== undefined && endsAtMs <= nowMs;
}

/**
 * Begins to watch a connection whose last activity may be a post to the client. AWS does not say
 * whether `lastActiveAt` of a connection counts posts, so a dead client on a busy topic may look
 * alive.
 *
 * A watch costs two writes: one here, and one of the first frame that comes ({@link noteFrame}).
 * An idle client that sends PINGREQ once per keep-alive is not watched: its frame notes itself once
 * an hour. A busy connection is watched once per 1.5 times the keep-alive. A dead client is found
 * within 3 times the keep-alive if posts come more often than every {@link doubtfulShare}, and else
 * within an hour and a half.
 *
 * A crash after the write leaves a watch that the next timer finds.
 *
 * @returns when the watch ends, in ms since 1970; undefined if the connection is not watched.
 */
export async function watchIfDoubtful(
  context: Context,
  connection: Connection,
  lastActiveAtMs: number,
): Promise<number | undefined> {
  const { address, keepAliveSeconds } = connection;
  if (connection.watchedSinceMs !== undefined) return watchEndsAtMs(connection);
  const nowMs = context.clock.nowMs();
  if (!isDoubtful(connection, lastActiveAtMs, nowMs)) return undefined;
  await context.connections.watch(address, nowMs);
  return watchEndsAtMs({ keepAliveSeconds, watchedSinceMs: nowMs });
}

/** Whether the last activity of a connection may be a post to the client. */
export function isDoubtful(connection: Connection, lastActiveAtMs: number, nowMs: number): boolean {
  const { keepAliveSeconds, connectedAtMs, heardAtMs = connectedAtMs } = connection;
  if (keepAliveSeconds === 0) return false;
  const sinceActiveMs = nowMs - lastActiveAtMs;
  return sinceActiveMs < keepAliveSeconds * 1000 * doubtfulShare || nowMs - heardAtMs >= doubtfulAfterMs;
}

/**
 * Ends the watch of a connection: one of its frames has come. Writes nothing if it is not watched
 * and a frame has been noted within {@link noteAfterMs}.
 */
export async function noteFrame(context: Context, connection: Connection | undefined): Promise<void> {
  if (connection === undefined) return;
  const { address, keepAliveSeconds, watchedSinceMs, connectedAtMs, heardAtMs = connectedAtMs } = connection;
  const nowMs = context.clock.nowMs();
  const isLong = keepAliveSeconds > 0 && nowMs - heardAtMs >= noteAfterMs;
  if (watchedSinceMs !== undefined || isLong) await context.connections.endWatch(address, nowMs);
}

/** One and a half times the keep-alive, in milliseconds [MQTT-3.1.2-22 v5, MQTT-3.1.2-24 v3]. */
export function graceMs(keepAliveSeconds: number): number {
  return keepAliveSeconds * 1500;
}

function watchEndsAtMs({
  keepAliveSeconds,
  watchedSinceMs,
}: Pick<Connection, 'keepAliveSeconds' | 'watchedSinceMs'>): number | undefined {
  return watchedSinceMs === undefined
    ? undefined
    : watchedSinceMs + graceMs(keepAliveSeconds) + lateNoteMs(keepAliveSeconds);
}
