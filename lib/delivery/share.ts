import type { TenantId } from '../auth/tenant-id.ts';
import type { Context } from '../broker/context.ts';
import type { Message, Subscription } from '../broker/model.ts';
import type { Share } from './targets.ts';

/**
 * Chooses one member of each share for a message: one that is online if there is any [MQTT-4.8.2-4 v5 leaves the
 * choice to the server]; at QoS 1 and 2 an offline one otherwise, whose queue keeps it. Choices are made at random, so
 * they spread evenly whichever function instance makes them.
 */
export async function chooseMembers(
  context: Context,
  tenant: TenantId,
  shares: readonly Share[],
  message: Message,
): Promise<Subscription[]> {
  if (shares.length === 0) return [];
  const clientIds = [...new Set(shares.flatMap((share) => share.members.map((member) => member.clientId)))];
  const routes = await context.sessions.routes(tenant, clientIds);
  return shares.flatMap(({ members }) => {
    const online = members.filter((member) => routes.get(member.clientId)?.generation === member.generation);
    if (online.length > 0) return pick(context, online);
    const keeping = members.filter((member) => Math.min(member.qos, message.qos) > 0);
    return pick(context, keeping);
  });
}

function pick(context: Context, members: readonly Subscription[]): Subscription[] {
  const chosen = members[Math.floor(context.random() * members.length)];
  return chosen === undefined ? [] : [chosen];
}
