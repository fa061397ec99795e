import type { Context } from '../core/context.ts';
import type { Message, Qos, Subscription } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import type { Share } from './targets.ts';

/** Names a member among those of a share: a client may be there with subscriptions of sessions that have ended. */
export function memberId(member: { readonly clientId: string; readonly generation: string }): string {
  return `${member.generation}\0${member.clientId}`;
}

/**
 * Chooses one member of a share for a message: one that is online if there is any (section
 * 4.8.2 of 5.0 leaves the choice to the server); at QoS 1 and 2 an offline one otherwise, whose queue keeps it. Choices are made at random, so
 * they spread evenly whichever function instance makes them.
 *
 * At QoS 2 the choice is kept, for one write unit: a publisher that sends again, because it has had no PUBREC, must not
 * reach a second member.
 * @param failed members whose sessions turned out to have ended, the one tried last at the end.
 */
export async function chooseMember(
  context: Context,
  tenant: TenantId,
  share: Share,
  message: Message,
  failed: readonly string[] = [],
): Promise<Subscription | undefined> {
  const candidates = share.members.filter((member) => !failed.includes(memberId(member)));
  const chosen = await pick(context, tenant, candidates, message.qos);
  if (chosen === undefined || message.qos < 2 || message.publisher === undefined) return chosen;
  const kept = await context.shareChoices.keep(
    { tenant, clientId: message.publisher },
    `${message.id}#${share.id}`,
    memberId(chosen),
    failed.at(-1),
  );
  return candidates.find((member) => memberId(member) === kept) ?? chosen;
}

async function pick(
  context: Context,
  tenant: TenantId,
  members: readonly Subscription[],
  qos: Qos,
): Promise<Subscription | undefined> {
  if (members.length === 0) return undefined;
  const routes = await context.sessions.routes(tenant, [
    ...new Set(members.map((member) => member.clientId)),
  ]);
  const online = members.filter((member) => routes.get(member.clientId)?.generation === member.generation);
  const keeping = members.filter((member) => Math.min(member.qos, qos) > 0);
  const eligible = online.length > 0 ? online : keeping;
  return eligible[Math.floor(context.random() * eligible.length)];
}
