import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { Connection, ConnectionAddress, TenantLive } from '../core/model.ts';
import { effectiveQuotas } from '../core/quotas.ts';
import type { Refusal } from '../core/reasons.ts';
import { ratesRefusal } from '../limits/rates.ts';
import { noteRefusal } from '../limits/refusals.ts';
import {
  type ClientPacket,
  type PublishPacket,
  type ServerPacket,
  type SubscribePacket,
  subackCode,
} from '../mqtt/index.ts';
import { type End, endWith, type Outcome } from '../sessions/outcome.ts';
import type { Run } from './handlers/handler.ts';

/** PUBACK, PUBREC and PUBCOMP packets that count as one packet: a row of a queue holds as many. */
const acknowledgementsPerUnit = 8;
/** Bytes of a frame or chunk beyond the first that count as one more packet. */
const bytesPerUnit = 4_096;

/** What the bytes of a frame or chunk count as, beyond its packets. */
export function unitsOfBytes(bytes: number): number {
  return Math.floor(bytes / bytesPerUnit);
}

/**
 * What the packets of a run count as in the quotas packetsPerSecond and packetsPerSecondPerClient:
 * about what they cost. A filter counts like a packet.
 */
export function unitsOf(run: Run<ClientPacket>): number {
  let units = 0;
  for (const packet of run) {
    if (packet.cmd === 'subscribe') units += packet.subscriptions.length;
    else if (packet.cmd === 'unsubscribe') units += packet.unsubscriptions.length;
    else if (isAcknowledgement(packet)) units += 1 / acknowledgementsPerUnit;
    else units += 1;
  }
  return Math.ceil(units);
}

function isAcknowledgement({ cmd }: ClientPacket): boolean {
  return cmd === 'puback' || cmd === 'pubrec' || cmd === 'pubcomp';
}

/** Takes units from the packet rates of a client and its tenant. @returns why they are refused. */
export function packetsRefusal(
  context: Context,
  { tenant, address, rateUse, quotas }: Connection,
  live: TenantLive,
  units: number,
): Refusal | undefined {
  const bearer = {
    quotas: effectiveQuotas(context.settings, live.quotas, quotas),
    client: { name: address, use: rateUse },
  };
  const codes = { client: 'client-packet-rate', tenant: 'packet-rate' } as const;
  return ratesRefusal(context, tenant, bearer, { packets: units }, codes);
}

/**
 * Whether a heartbeat exceeds the client's packets. It is counted by the default quota and in this
 * process, because reading the rows would cost more than the heartbeat.
 */
export function isHeartbeatTooMuch({ usage, settings, clock }: Context, address: ConnectionAddress): boolean {
  const { defaultQuotas } = settings;
  return !usage.clientRates.admits(address, defaultQuotas, undefined, { packets: 1 }, clock.nowMs());
}

/**
 * Answers a run that comes too fast, without reading or writing anything: in 5.0 by the code 0x97
 * in PUBACK, PUBREC or SUBACK, in 3.1.1 by 0x80 in SUBACK. Other packets have no such code and end
 * the connection. So do a topic alias, which would have to be stored, and a QoS 2 message that is
 * sent again, whose mark would have to be deleted.
 */
export function refuseRun(
  context: Context,
  connection: Connection,
  run: Run<ClientPacket>,
  tooFast: Refusal,
): Outcome {
  context.log.count(metrics.packetsOverQuota, run.length);
  const { tenant, clientId, address, protocolVersion } = connection;
  const { code, message: reason } = tooFast;
  const replies: ServerPacket[] = [];
  let end: End | undefined;
  let count = 0;
  for (const packet of run) {
    if (packet.cmd === 'subscribe') {
      replies.push(refusedSubscribe(connection, packet, tooFast));
      count += packet.subscriptions.length;
    } else if (packet.cmd === 'publish' && protocolVersion === 5 && mayBeRefusedByCode(packet)) {
      replies.push(refusedPublish(connection, packet, tooFast));
      count += 1;
    } else {
      end = endWith(protocolVersion, tooFast);
      break;
    }
  }
  noteRefusal(context, { code, what: 'packet', tenant, clientId, connection: address, reason, count });
  return { replies, ...(end && { end }) };
}

function mayBeRefusedByCode({ qos, dup, properties }: PublishPacket): boolean {
  return qos > 0 && !(qos === 2 && dup) && properties?.topicAlias === undefined;
}

function refusedPublish(
  connection: Connection,
  { qos, messageId = 0 }: PublishPacket,
  tooFast: Refusal,
): ServerPacket {
  const { reasonCode } = tooFast;
  return { cmd: qos === 1 ? 'puback' : 'pubrec', messageId, reasonCode, ...problem(connection, tooFast) };
}

function refusedSubscribe(
  connection: Connection,
  { messageId, subscriptions }: SubscribePacket,
  tooFast: Refusal,
): ServerPacket {
  const code = subackCode(tooFast.reasonCode, connection.protocolVersion);
  return {
    cmd: 'suback',
    messageId,
    granted: subscriptions.map(() => code),
    ...problem(connection, tooFast),
  };
}

/** The Reason String, for 5.0 clients that request problem information [MQTT-3.1.2-29 v5]. */
function problem(
  { protocolVersion, requestProblemInformation }: Connection,
  { message }: Refusal,
): { properties?: { reasonString: string } } {
  return protocolVersion === 5 && requestProblemInformation ? { properties: { reasonString: message } } : {};
}
