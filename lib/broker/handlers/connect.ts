import type { Context } from '../../core/context.ts';
import { metrics } from '../../core/metrics.ts';
import type { ConnectPacket } from '../../mqtt/index.ts';
import { banIfFlapping } from '../../sessions/bans.ts';
import { endWith, type Outcome, refuseConnect } from '../../sessions/outcome.ts';
import { protocolNames } from '../../sessions/presence.ts';
import type { Connecting, Holding, Refused, Step } from '../connect/admission.ts';
import { connackFor, describeConnection, firstLook, limitConnack } from '../connect/connection.ts';
import {
  createConnection,
  endPreviousHolder,
  holdSession,
  settleWills,
  startDelivery,
} from '../connect/session.ts';
import { authenticate, limitConnects, limitPackets, nameClient, permit } from '../connect/token.ts';
import { judgeWill, keepWill } from '../connect/will.ts';

/**
 * CONNECT as an ordered list of steps. Each step extends what is known of the client, or refuses
 * it; the first refusal ends the list and is the answer. The steps up to `limitConnack` write
 * nothing.
 *
 * Order of the writes: session, connection row, end of the previous connection, earlier Wills,
 * Will, timer. A crash after the session leaves it held by an address without a row: the next
 * CONNECT takes it over, or a post finds the connection gone. A crash after the row leaves a
 * connection that never sent CONNACK: `$disconnect`, its timer or the next CONNECT ends it. A crash
 * before the timer leaves a connection without one; API Gateway ends it when it has idled for 10
 * minutes.
 *
 * CONNACK comes last, so it is the first packet and everything is written. The session is new or
 * resumed as Clean Start asks, and lasts at least as long as the connection.
 *
 * [MQTT-3.1.4-2 v5, MQTT-4.12.0-4 v5, MQTT-3.1.4-4 v3, MQTT-3.1.4-5 v5, MQTT-3.2.0-1 v3+v5,
 * MQTT-3.1.4-3 v3, MQTT-3.1.4-4 v5, MQTT-4.1.0-2 v3, MQTT-4.1.0-1 v5]
 */
const connectSteps = inOrder(authenticate)
  .next(nameClient)
  .next(limitConnects)
  .next(permit)
  .next(limitPackets)
  .next(judgeWill)
  .next(describeConnection)
  .next(limitConnack)
  .next(holdSession)
  .next(createConnection)
  .next(endPreviousHolder)
  .next(settleWills)
  .next(keepWill)
  .next(scheduleFirstLook)
  .next(startDelivery);

export async function handleConnect(context: Context, connecting: Connecting): Promise<Outcome> {
  const known = await connectSteps.run(context, connecting);
  if ('refusal' in known) {
    const { identity, clientId } = known.known ?? {};
    if (known.refusal.code === 'connect-rate' && identity !== undefined && clientId !== undefined)
      await banIfFlapping(context, { tenant: identity.tenant, clientId });
    return answerRefusal(context, connecting.packet, known);
  }
  context.log.count(metrics.connectsAccepted);
  const { connection, live } = known;
  context.traces.note(connection, 'connect', {
    connection: connection.address,
    protocol: protocolNames[connection.protocolVersion],
    sessionPresent: known.opened.present,
    keepAliveSeconds: connection.keepAliveSeconds,
  });
  return { replies: [connackFor(context, known, known.opened.present)], connection, live };
}

async function scheduleFirstLook(context: Context, known: Holding): Promise<Holding> {
  const { timer, dueAtMs } = firstLook(known.connection);
  await context.timers.schedule(timer, dueAtMs);
  return known;
}

function answerRefusal(context: Context, packet: ConnectPacket, { refusal, known }: Refused): Outcome {
  const { protocolVersion, properties } = packet;
  // The connection has had its CONNACK: there is no second one [MQTT-3.2.0-2 v5].
  if (refusal.code === 'connect-repeated') return { replies: [], end: endWith(protocolVersion, refusal) };
  context.log.count(metrics.connectsRefused);
  const { identity, clientId } = known ?? {};
  const connecting = identity && { tenant: identity.tenant, ...(clientId === undefined ? {} : { clientId }) };
  const end = refuseConnect(protocolVersion, refusal, properties?.maximumPacketSize, connecting);
  return { replies: [], end };
}

interface Steps<Start extends Connecting, Known extends Start> {
  readonly run: Step<Start, Known>;
  next<Next extends Known>(step: Step<Known, Next>): Steps<Start, Next>;
}

function inOrder<Start extends Connecting, Known extends Start>(
  run: Step<Start, Known>,
): Steps<Start, Known> {
  return {
    run,
    next: (step) =>
      inOrder(async (context, start) => {
        const known = await run(context, start);
        if (isRefused(known)) return known;
        const next = await step(context, known);
        return isRefused(next) ? refusedAt(known, next) : next;
      }),
  };
}

function refusedAt(known: Connecting, refused: Refused): Refused {
  return { known, ...refused };
}

function isRefused(known: object): known is Refused {
  return 'refusal' in known;
}
