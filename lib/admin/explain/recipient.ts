import { maySubscribe } from '../../auth/index.ts';
import { mayPublishTo } from '../../broker/judge-publish.ts';
import type { Connection, Qos, Session, Subscription } from '../../core/model.ts';
import { queueBound } from '../../core/session-rules.ts';
import type { TenantId } from '../../core/tenant-id.ts';
import type { AdminContext } from '../context.ts';
import { type Finding, type FindingCode, finding } from './findings.ts';

/** The message about which is asked. */
export interface Imagined {
  readonly topic: string;
  readonly qos: Qos;
  /** Bytes of its payload. */
  readonly bytes: number;
  /** The client that publishes it; absent: another one than its subscribers. */
  readonly publisher?: string;
}

/** What becomes of the message on its way to one subscriber. */
type Outcome =
  /** It is sent at once. */
  | 'sent'
  /** It waits in the queue of the session. */
  | 'queued'
  /** Another member of the share may get it instead. */
  | 'perhaps'
  | 'dropped';

/** What a subscription does with the message. */
export interface Recipient {
  readonly clientId: string;
  /** As the client has subscribed to it, with `$share/…`. */
  readonly filter: string;
  /** Of the delivery. */
  readonly qos: number;
  readonly noLocal: boolean;
  readonly online: boolean;
  readonly outcome: Outcome;
  readonly findings: readonly Finding[];
  /** Whether the present token of the client allows the subscription; absent: it is offline. */
  readonly maySubscribe?: boolean;
  /** Whether it may publish to the topic. */
  readonly mayPublish?: boolean;
  readonly queue?: { readonly messages: number; readonly bound: number; readonly mode: string };
}

/** Bytes of a PUBLISH beside topic and payload: fixed header, lengths, packet identifier. */
const headerBytes = 10;

/**
 * What becomes of a message for one subscription, by the rows of today. Reads the number of queued
 * messages where the message would pass through the queue and not be sent at once.
 */
export async function recipientOf(
  context: AdminContext,
  tenant: TenantId,
  subscription: Subscription,
  session: Session,
  connection: Connection | undefined,
  message: Imagined,
): Promise<Recipient> {
  const { clientId, filter, shareName, noLocal } = subscription;
  const online = session.address !== undefined;
  const qos = Math.min(subscription.qos, message.qos);
  const maxBytes = session.clientMaxPacketBytes ?? Number.POSITIVE_INFINITY;
  const packetBytes = Buffer.byteLength(message.topic) + message.bytes + headerBytes;
  const queue = qos === 0 || session.mode === 'direct' ? undefined : await queueOf(context, session);
  const hasOthers = shareName !== undefined && !online && (await isOnline(context, tenant, subscription));
  const drops: [FindingCode, boolean][] = [
    ['no-local', noLocal && shareName === undefined && message.publisher === clientId],
    ['too-large', packetBytes > maxBytes],
    ['offline-qos-0', !online && qos === 0],
    ['queue-full', queue !== undefined && queue.messages >= queue.bound],
    ['shared-online', hasOthers],
  ];
  const codes = drops.flatMap(([code, applies]) => (applies ? [code] : []));
  let outcome: Outcome = 'dropped';
  if (codes.length === 0) {
    outcome = online && queue === undefined ? 'sent' : 'queued';
    if (outcome === 'queued') codes.push(online ? 'behind-queue' : 'offline-queued');
    if (shareName !== undefined) {
      outcome = 'perhaps';
      codes.push('shared');
    }
  }
  const rights =
    connection === undefined
      ? {}
      : {
          maySubscribe: maySubscribe(
            connection.permissions,
            filter,
            subscription.qos,
            shareName !== undefined,
          ),
          mayPublish: mayPublishTo(connection.permissions, { ...message, retain: false }),
        };
  if (rights.maySubscribe === false) codes.push('subscribe-right-gone');
  return {
    clientId,
    filter: shareName === undefined ? filter : `$share/${shareName}/${filter}`,
    qos,
    noLocal,
    online,
    outcome,
    findings: codes.map(finding),
    ...rights,
    ...(queue === undefined ? {} : { queue }),
  };
}

async function queueOf(context: AdminContext, session: Session) {
  const bound = queueBound(context.settings, session);
  return { messages: await context.queue.count(session, bound), bound, mode: session.mode };
}

/** Whether another member of a share is online, among those that a publish would choose from. */
async function isOnline(
  context: AdminContext,
  tenant: TenantId,
  { filter, shareName, clientId }: Subscription,
): Promise<boolean> {
  const members = await context.subscriptions.shareMembers(tenant, filter, {
    perShare: context.settings.shareSample,
    consistent: true,
    ...(shareName === undefined ? {} : { shareName }),
  });
  const others = members.filter((member) => member.clientId !== clientId);
  const sessions = await context.tenantData.sessions(tenant, [
    ...new Set(others.map((member) => member.clientId)),
  ]);
  const online = new Set(
    sessions.filter(({ address }) => address !== undefined).map((one) => `${one.generation} ${one.clientId}`),
  );
  return others.some((member) => online.has(`${member.generation} ${member.clientId}`));
}
