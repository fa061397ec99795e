import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type {
  ClientKey,
  Connection,
  LifecycleEvent,
  Message,
  ProtocolVersion,
  Session,
  TenantLive,
} from '../core/model.ts';
import type { ReasonName } from '../core/reasons.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { clientLevel } from '../core/traces.ts';
import { publishMessages, takeAsIs } from '../delivery/publish.ts';

/** Why a connection ended. */
export interface DisconnectReason {
  readonly code: ReasonName;
  /** MQTT 5.0 reason code, whatever the client's version; absent where the network was lost. */
  readonly reasonCode?: number;
  readonly initiator: LifecycleInitiator;
}
type LifecycleInitiator = Extract<LifecycleEvent, { event: 'disconnected' }>['initiator'];

export const connectionLostReason: DisconnectReason = { code: 'connection-lost', initiator: 'network' };

export const protocolNames = { 3: '3.1', 4: '3.1.1', 5: '5.0' } as const satisfies Record<
  ProtocolVersion,
  string
>;

/**
 * Announces an accepted connection to the tenant's subscribers of
 * `$SYS/tenants/{tenant}/clients/{clientId}/connected` and to the event bus, where there is one.
 * The `disconnected` event of a connection that was taken over comes first.
 */
export function announceConnected(
  context: Context,
  connection: Connection,
  session: Pick<Session, 'connectionSequence'>,
  sessionPresent: boolean,
  live: TenantLive | undefined,
): Promise<void> {
  const { tenant, clientId, connectedAtMs, protocolVersion } = connection;
  const event: LifecycleEvent = {
    event: 'connected',
    tenant,
    clientId,
    sequence: session.connectionSequence,
    connectedAtMs,
    protocolVersion: protocolNames[protocolVersion],
    sessionPresent,
  };
  return announce(context, event, live);
}

/**
 * Announces the end of a connection, likewise. The caller has taken the session from the connection
 * by one conditional write, so each end is announced at most once.
 */
export function announceDisconnected(
  context: Context,
  key: ClientKey,
  ended: {
    readonly sequence: number;
    readonly protocolVersion?: ProtocolVersion;
    readonly connectedAtMs?: number;
    readonly reason: DisconnectReason;
  },
  live: TenantLive | undefined,
): Promise<void> {
  const { connectedAtMs, protocolVersion, reason } = ended;
  const event: LifecycleEvent = {
    event: 'disconnected',
    tenant: key.tenant,
    clientId: key.clientId,
    sequence: ended.sequence,
    ...(connectedAtMs === undefined ? {} : { connectedAtMs }),
    disconnectedAtMs: context.clock.nowMs(),
    ...(protocolVersion === undefined ? {} : { protocolVersion: protocolNames[protocolVersion] }),
    reason: reason.code,
    ...(reason.reasonCode === undefined ? {} : { reasonCode: reason.reasonCode }),
    initiator: reason.initiator,
  };
  return announce(context, event, live);
}

/**
 * Publishes an event. A failure is logged and counted, and fails nothing else. A crash between the
 * change of the session and this call loses the event. Events may arrive out of order; the higher
 * `sequence` is newer.
 */
async function announce(
  context: Context,
  event: LifecycleEvent,
  live: TenantLive | undefined,
): Promise<void> {
  const outcomes = await Promise.allSettled([publish(context, event, live), context.events.put(event)]);
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue;
    context.log.count(metrics.lifecycleEventsFailed);
    const error = outcome.reason instanceof Error ? outcome.reason.name : 'unknown';
    context.log.warn('lifecycle event lost', { tenant: event.tenant, event: event.event, error });
  }
}

/**
 * Publishes at QoS 1, so that offline subscribers get the event. Where no shape of the tenant fits,
 * nothing is read. An event that nobody gets costs no write of usage either.
 */
async function publish(
  context: Context,
  event: LifecycleEvent,
  known: TenantLive | undefined,
): Promise<void> {
  const { tenant } = event;
  const live = known ?? (await context.tenants.readLive(tenant, false));
  if (live === undefined) return;
  const payload = new TextEncoder().encode(JSON.stringify(event));
  const topic = presenceTopic(tenant, event.clientId, event.event);
  const properties = { contentType: 'application/json', payloadFormatIndicator: true };
  const id = context.ids.unique();
  const message: Message = { id, topic, payload, qos: 1, retain: false, properties };
  await publishMessages(context, {
    tenant,
    live,
    requests: [message],
    judge: takeAsIs,
    countedIfReceived: true,
  });
}

/**
 * The topic of an event, with the client id as one level ({@link clientLevel}). It lies in the
 * tenant's own keys, so no tenant can name the events of another.
 */
export function presenceTopic(tenant: TenantId, clientId: string, event: LifecycleEvent['event']): string {
  return `$SYS/tenants/${tenant}/clients/${clientLevel(clientId)}/${event}`;
}
