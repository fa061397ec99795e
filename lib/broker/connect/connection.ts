import type { Context } from '../../core/context.ts';
import type { Connection } from '../../core/model.ts';
import type { TenantQuotas } from '../../core/quotas.ts';
import { maxSessionExpiry } from '../../core/session-rules.ts';
import type { ConnectPacket } from '../../mqtt/index.ts';
import type { Described, WillJudged } from './admission.ts';
import { tokenState } from './token.ts';

/** Composes the connection row; until the session is open, its generation is the address. */
export function describeConnection(context: Context, known: WillJudged): Described {
  const { address, packet, identity, clientId, permissions, quotas, live } = known;
  const { protocolVersion, username, properties = {} } = packet;
  const { maximumPacketSize, authenticationMethod } = properties;
  const connection: Connection = {
    address,
    tenant: identity.tenant,
    clientId,
    protocolVersion,
    generation: address,
    keepAliveSeconds: effectiveKeepAlive(context, packet, quotas),
    ...tokenState(identity, permissions, live?.revokedAtMs),
    clientTopicAliasMaximum: properties.topicAliasMaximum ?? 0,
    requestProblemInformation: properties.requestProblemInformation ?? true,
    sessionExpirySeconds: effectiveSessionExpiry(context, packet, quotas),
    topicAliases: {},
    connectedAtMs: context.clock.nowMs(),
    ...(username === undefined ? {} : { username }),
    ...(maximumPacketSize === undefined ? {} : { clientMaxPacketBytes: maximumPacketSize }),
    ...(authenticationMethod === undefined ? {} : { authenticationMethod }),
  };
  return { ...known, connection };
}

/**
 * The keep-alive that the server enforces, in seconds; 0: none. 5.0 clients get one between the
 * tenant's shortest and the service's longest, told as Server Keep Alive; where it is not told,
 * their own holds. Earlier versions cannot be told and keep their own.
 *
 * [MQTT-3.1.2-21 v5, MQTT-3.2.2-21 v5, MQTT-3.2.2-22 v5]
 */
function effectiveKeepAlive(
  { settings }: Context,
  { protocolVersion, keepalive }: ConnectPacket,
  { minKeepAliveSeconds = 0 }: TenantQuotas,
): number {
  const { maxKeepAliveSeconds } = settings;
  if (protocolVersion < 5) return keepalive;
  if (keepalive === 0) return maxKeepAliveSeconds;
  return Math.min(Math.max(keepalive, minKeepAliveSeconds), maxKeepAliveSeconds);
}

/**
 * In seconds. 3.1.1 has no expiry interval: a session that is not clean lasts as long as the
 * settings say [MQTT-3.1.2-4 v3, MQTT-4.1.0-1 v3].
 */
function effectiveSessionExpiry(
  { settings }: Context,
  { protocolVersion, clean, properties }: ConnectPacket,
  quotas: TenantQuotas,
): number {
  const maxSeconds = maxSessionExpiry(settings, quotas);
  if (protocolVersion < 5) return clean ? 0 : Math.min(settings.v3SessionExpirySeconds, maxSeconds);
  return Math.min(properties?.sessionExpiryInterval ?? 0, maxSeconds);
}

/** Schedules the timers of a connection: its keep-alive and the expiry of its token. */
export async function scheduleConnectionTimers(context: Context, connection: Connection): Promise<void> {
  const { address, keepAliveSeconds, tokenExpiresAtSeconds, connectedAtMs } = connection;
  await Promise.all([
    keepAliveSeconds === 0
      ? undefined
      : context.timers.schedule({ kind: 'keep-alive', address }, connectedAtMs + graceMs(keepAliveSeconds)),
    tokenExpiresAtSeconds === undefined
      ? undefined
      : context.timers.schedule({ kind: 'token-expiry', address }, tokenExpiresAtSeconds * 1000),
  ]);
}

/** One and a half times the keep-alive, in milliseconds [MQTT-3.1.2-22 v5, MQTT-3.1.2-24 v3]. */
export function graceMs(keepAliveSeconds: number): number {
  return keepAliveSeconds * 1500;
}
