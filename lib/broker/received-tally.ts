import type { Context } from '../core/context.ts';
import type { Connection, ConnectionAddress } from '../core/model.ts';

/** QoS 2 messages without PUBREL that a process takes before it counts the stored marks. */
const uncountedMarks = 100;
/** Connections whose messages a process tallies. When there are more, the oldest is forgotten. */
const maxConnections = 50_000;

/** Received QoS 2 messages without PUBREL, as far as a process knows. */
const tallies = new WeakMap<Context, Map<ConnectionAddress, number>>();

/**
 * The number of a client's QoS 2 messages without PUBREL, with `added` new ones. Counting the
 * stored marks costs a Query, so a process relies on its own tally up to {@link uncountedMarks}.
 * Each process may take so many more messages than Receive Maximum. A resumed session may hold
 * marks already and is counted at first.
 */
export async function unreleasedCount(
  context: Context,
  connection: Connection,
  added: number,
): Promise<number> {
  const { address, generation } = connection;
  const start = generation === address ? 0 : uncountedMarks;
  const tallied = (talliesOf(context).get(address) ?? start) + added;
  if (tallied <= uncountedMarks) return tallied;
  return (await context.receivedMarks.count(connection, context.settings.receiveMaximum)) + added;
}

/** Notes how many QoS 2 messages of a connection have no PUBREL. */
export function noteUnreleased(context: Context, address: ConnectionAddress, count: number): void {
  const counts = talliesOf(context);
  counts.delete(address);
  counts.set(address, count);
  const [oldest] = counts.keys();
  if (counts.size > maxConnections && oldest !== undefined) counts.delete(oldest);
}

/** Notes that PUBREL has come for `count` messages. */
export function noteReleased(context: Context, address: ConnectionAddress, count: number): void {
  const tallied = talliesOf(context).get(address);
  if (tallied !== undefined) noteUnreleased(context, address, Math.max(0, tallied - count));
}

function talliesOf(context: Context): Map<ConnectionAddress, number> {
  const counts = tallies.get(context) ?? new Map<ConnectionAddress, number>();
  tallies.set(context, counts);
  return counts;
}
