import type { Context } from '../core/context.ts';
import type { Connection, TenantLive } from '../core/model.ts';
import {
  type ClientPacket,
  type PublishPacket,
  type PubrecPacket,
  type PubrelPacket,
  reasonCodes,
} from '../mqtt/index.ts';
import { endWith, type Outcome } from '../sessions/outcome.ts';
import { handleAuth } from './handlers/auth.ts';
import { handleDisconnect } from './handlers/disconnect.ts';
import {
  type FinalAcknowledgement,
  handleFinalAcknowledgements,
  isFinalAcknowledgement,
} from './handlers/final-acknowledgement.ts';
import { handlePublishes } from './handlers/publish.ts';
import { handlePubrecs } from './handlers/pubrec.ts';
import { handlePubrels } from './handlers/pubrel.ts';
import { handleSubscribe } from './handlers/subscribe.ts';
import { handleUnsubscribe } from './handlers/unsubscribe.ts';

/** Packets that are handled together when they follow one another: a burst costs little more than one. */
function groupOf(packet: ClientPacket): 'publish' | 'acknowledgement' | 'pubrec' | 'pubrel' | undefined {
  if (packet.cmd === 'publish' || packet.cmd === 'pubrel') return packet.cmd;
  if (isFinalAcknowledgement(packet)) return 'acknowledgement';
  return packet.cmd === 'pubrec' ? 'pubrec' : undefined;
}

/** Cuts a frame's packets into runs, order kept. */
export function groupPackets(packets: readonly ClientPacket[]): ClientPacket[][] {
  const groups: ClientPacket[][] = [];
  for (const packet of packets) {
    const run = groups.at(-1);
    const kind = groupOf(packet);
    if (run?.[0] !== undefined && kind !== undefined && groupOf(run[0]) === kind) run.push(packet);
    else groups.push([packet]);
  }
  return groups;
}

/** Hands a run of packets to its handler. */
export async function handleGroup(
  context: Context,
  connection: Connection,
  live: TenantLive,
  group: readonly ClientPacket[],
): Promise<Outcome> {
  const [packet] = group;
  if (packet === undefined) return { replies: [] };
  if (packet.cmd === 'publish') return handlePublishes(context, connection, live, group as PublishPacket[]);
  if (isFinalAcknowledgement(packet))
    return handleFinalAcknowledgements(context, connection, group as FinalAcknowledgement[]);
  switch (packet.cmd) {
    case 'pubrec':
      return handlePubrecs(context, connection, group as PubrecPacket[]);
    case 'pubrel':
      return handlePubrels(context, connection, group as PubrelPacket[]);
    case 'subscribe':
      return handleSubscribe(context, connection, live, packet);
    case 'unsubscribe':
      return handleUnsubscribe(context, connection, packet);
    case 'pingreq':
      // [MQTT-3.12.4-1 v3+v5]
      return { replies: [{ cmd: 'pingresp' }] };
    case 'disconnect':
      return handleDisconnect(context, connection, live, packet);
    case 'auth':
      return handleAuth(context, connection, packet);
    default:
      return {
        replies: [],
        end: endWith(
          connection.protocolVersion,
          reasonCodes.protocolError.code,
          'unexpected-packet',
          'a client does not send this packet now',
        ),
      };
  }
}
