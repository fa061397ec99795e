import { effectiveQuotas } from '../../core/quotas.ts';
import { askForShapeSearch, countedShapes, hasShape, makeRoomForShapes } from '../../limits/shapes.ts';
import { isTopicError, parseFilter, shapeOf } from '../../topics/index.ts';
import type { Peer } from './handler.ts';

/**
 * A client may add this many times `shapesPerClient` to its tenant in an hour (UTC), so that it
 * cannot use up the tenant's shapes by giving each up again: they stay until a search removes them.
 * Three times the default leaves others a quarter of the tenant's 64.
 */
const newShapesPerHourFactor = 3;

type ShapeRefusal = 'shapes-full' | 'client-shapes-full';

/**
 * Adds the shapes that the tenant does not have to its row: before their subscriptions are stored,
 * so that publishes find these. Shapes that it has cost nothing here, and so does a shape that goes
 * until it is asked for: then it is added like a new one.
 *
 * Only new shapes are read and written for: the client's list (1 read unit up to about 40 filters),
 * the count of its hour, and the copies of the row. Shapes beyond the room are refused without a
 * write to the row, since a failed conditional write costs as much as one that succeeds. The row
 * that the frame has read may be stale, so a lack of room is checked with one strongly consistent
 * read. At most once a minute it makes the tenant look for shapes that nobody uses.
 *
 * @returns the shapes that are refused.
 */
export async function refusedShapes(
  peer: Peer,
  shapes: readonly string[],
): Promise<ReadonlyMap<string, ShapeRefusal>> {
  const { context, connection, live } = peer;
  const { tenant } = connection;
  const refused = new Map<string, ShapeRefusal>();
  const wanted = [...new Set(shapes)];
  const absentFrom = (known: Peer['live']) => wanted.filter((shape) => !hasShape(known, shape));
  if (absentFrom(live).length === 0) return refused;

  const { maxShapes } = context.settings;
  const boundOf = ({ quotas }: Peer['live']) => Math.min(quotas.shapes ?? maxShapes, maxShapes);
  const roomIn = (known: Peer['live']) => Math.max(0, boundOf(known) - countedShapes(known));
  const readAgain = async () => (await context.tenants.readLive(tenant, true)) ?? live;

  let known = absentFrom(live).length > roomIn(live) ? await readAgain() : live;
  const clientBound = clientBoundOf(peer);
  const admitted = await withinClientBound(peer, clientBound, wanted, new Set(absentFrom(known)));
  for (const shape of absentFrom(known)) if (!admitted.has(shape)) refused.set(shape, 'client-shapes-full');
  if (admitted.size > roomIn(known) && (await makeRoomForShapes(context, tenant))) known = await readAgain();

  const absent = absentFrom(known).filter((shape) => admitted.has(shape));
  const candidates = absent.slice(0, roomIn(known));
  for (const shape of absent.slice(candidates.length)) refused.set(shape, 'shapes-full');
  if (candidates.length === 0) return refused;
  const inAnHour = newShapesPerHourFactor * clientBound;
  const nowMs = context.clock.nowMs();
  if (!(await context.sessionSubscriptions.takeNewShapes(connection, candidates.length, inAnHour, nowMs))) {
    for (const shape of candidates) refused.set(shape, 'client-shapes-full');
    return refused;
  }
  const [added] = await Promise.all([
    context.tenants.addShapes(tenant, candidates, boundOf(known)),
    askForShapeSearch(context, tenant),
  ]);
  for (const shape of candidates) if (!added.has(shape)) refused.set(shape, 'shapes-full');
  return refused;
}

function clientBoundOf({ context, connection, live }: Peer): number {
  const { maxShapes, shapesPerClient } = context.settings;
  const quotas = effectiveQuotas(context.settings, live.quotas, connection.quotas);
  return Math.min(quotas.shapesPerClient ?? shapesPerClient, maxShapes);
}

/** Those of the absent shapes that the client may have beside the shapes of its subscriptions. */
async function withinClientBound(
  { context, connection }: Peer,
  bound: number,
  wanted: readonly string[],
  absent: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const admitted = new Set<string>();
  if (absent.size === 0) return admitted;
  const listed = await context.sessionSubscriptions.list(connection);
  const mine = new Set(
    listed.flatMap(({ filter, generation }) => {
      const parsed = parseFilter(filter);
      return isTopicError(parsed) || generation !== connection.generation ? [] : [shapeOf(parsed.filter)];
    }),
  );
  for (const shape of wanted) {
    if (absent.has(shape)) {
      if (!mine.has(shape) && mine.size >= bound) continue;
      admitted.add(shape);
    }
    mine.add(shape);
  }
  return admitted;
}
