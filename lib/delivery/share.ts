import type { Context } from '../core/context.ts';
import type { Message, Qos, Subscription } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import type { Share } from './audience.ts';
import { memberId } from './parcels.ts';

/**
 * Chooses one member of a share for a message, at random: an online member if there is one,
 * otherwise an offline member whose queue can hold the message (QoS 1 and 2). Section 4.8.2 of MQTT
 * 5.0 leaves the choice to the server.
 *
 * At QoS 2 the choice is stored, for one write unit: a publisher that repeats the message because
 * it missed PUBREC must not reach a second member.
 * @param failed members whose sessions have ended, the last one tried at the end.
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
  const queueing = members.filter((member) => Math.min(member.qos, qos) > 0);
  const eligible = online.length > 0 ? online : queueing;
  return eligible[Math.floor(context.random() * eligible.length)];
}
