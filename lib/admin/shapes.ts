import * as v from 'valibot';
import { closedObject } from '../core/validation.ts';
import { jsonBody } from '../http/read.ts';
import { usesOfShapes } from '../limits/shape-walk.ts';
import { removeShapes } from '../limits/shapes.ts';
import { pageStart, pageToken } from './paging.ts';
import { type AdminOperation, existingTenant } from './request.ts';

/**
 * The shapes of the tenant's filters (lib/topics/match.ts). Each costs a query per message whose
 * topic fits it, used or not. Those that go are among them.
 */
export const listShapes: AdminOperation = async (call) => {
  const live = await call.context.tenants.readLive(await existingTenant(call), true);
  return {
    status: 200,
    body: { shapes: [...(live?.shapes ?? [])].sort(), going: [...(live?.going ?? [])].sort() },
  };
};

/**
 * How many subscriptions of a page of clients have each shape; the rules of the tenant are counted
 * with the first page. The sum over all pages is the tenant's; a client that subscribes meanwhile
 * may be missing in it.
 */
export const countShapes: AdminOperation = async (call) => {
  const tenant = await existingTenant(call);
  const [after] = pageStart(call.request.query, 1) ?? [];
  const { uses, clients, last, more } = await usesOfShapes(call.context, tenant, after);
  return {
    status: 200,
    body: {
      shapes: [...uses]
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([shape, subscriptions]) => ({ shape, subscriptions })),
      clients,
      ...(more && last !== undefined ? { next: pageToken(last) } : {}),
    },
  };
};

/** Shapes that an operator takes for unused. */
export const unusedShapesSchema = closedObject({
  shapes: v.pipe(v.array(v.pipe(v.string(), v.nonEmpty())), v.maxLength(1_000)),
});

/**
 * Makes shapes go that the operator takes for unused. A walk over the tenant's clients decides
 * after the settling time: shapes in use come back, so a mistake removes nothing.
 */
export const removeUnusedShapes: AdminOperation = async (call) => {
  const tenant = await existingTenant(call);
  const { shapes } = jsonBody(call.request, unusedShapesSchema);
  const stored = await call.context.tenants.readShapes(tenant);
  const going = await removeShapes(call.context, tenant, shapes, stored?.dollarApart ?? true);
  const { tenantSettleSeconds } = call.context.settings;
  return { status: 202, body: { going: going.toSorted(), decidedAfterSeconds: tenantSettleSeconds } };
};
