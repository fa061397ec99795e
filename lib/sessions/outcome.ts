import type { Connection, ProtocolVersion, TenantLive } from '../core/model.ts';
import { disconnectCode, type ReasonName, type Refusal, v3Answer } from '../core/reasons.ts';
import type { TenantId } from '../core/tenant-id.ts';
import type { ConnackPacket, ServerPacket } from '../mqtt/index.ts';

/** How a connection ends, by the server's decision or by the client's DISCONNECT. */
export interface End {
  readonly code: ReasonName;
  /**
   * MQTT 5.0 reason code; absent where the connection was never accepted or the client ended it.
   */
  readonly reasonCode?: number;
  /** For the log and, in 5.0, the client's Reason String. */
  readonly message: string;
  /** Last packet to the client, if its version has one. */
  readonly packet?: ServerPacket;
  /**
   * Whether the Will is published; only a DISCONNECT with reason 0x00 discards it.
   *
   * [MQTT-3.1.2-8 v3+v5]
   */
  readonly will: 'publish' | 'discard';
  /**
   * Maximum Packet Size of a client whose CONNECT is refused, in bytes; an accepted one has it in
   * its row.
   */
  readonly clientMaxPacketBytes?: number;
  /** Whose CONNECT is refused, as far as its token has been verified. */
  readonly connecting?: Connecting;
  /** Whether the refusal has been noted already (lib/limits/refusals.ts). */
  readonly isNoted?: true;
}

interface Connecting {
  readonly tenant: TenantId;
  readonly clientId?: string;
}

/** The result of handling a packet, or a run of packets. */
export interface Outcome {
  /** Packets for the route response, in order. */
  readonly replies: readonly ServerPacket[];
  /** The connection as later packets of the frame must see it, where it changed. */
  readonly connection?: Connection;
  /** The tenant's row as later packets of the frame must see it, where it changed. */
  readonly live?: TenantLive;
  readonly end?: End;
}

/**
 * Ends an accepted connection: with DISCONNECT in 5.0, without an expiry; with the close alone in
 * earlier versions.
 *
 * [MQTT-4.13.1-1 v5, MQTT-3.14.2-2 v5]
 *
 * @param reasonCode MQTT 5.0 reason code of DISCONNECT; default: the catalogue's.
 */
export function endWith(
  protocolVersion: ProtocolVersion | undefined,
  { code, message }: Pick<Refusal, 'code' | 'message'>,
  reasonCode: number = disconnectCode(code),
): End {
  return {
    code,
    reasonCode,
    message,
    will: 'publish',
    ...(protocolVersion === 5
      ? { packet: { cmd: 'disconnect', reasonCode, properties: { reasonString: message } } }
      : {}),
  };
}

/**
 * Refuses a CONNECT: with CONNACK in the form of the version; where 3.1.1 has no return code for
 * the reason, with the close alone. Session Present is 0. The close follows, so nothing more of the
 * client is handled.
 *
 * [MQTT-3.2.2-6 v3, MQTT-3.2.2-4 v3, MQTT-3.2.2-6 v5, MQTT-3.2.2-5 v3, MQTT-3.2.2-7 v5,
 * MQTT-3.1.4-5 v3]
 */
export function refuseConnect(
  protocolVersion: ProtocolVersion | undefined,
  refusal: Refusal,
  clientMaxPacketBytes?: number,
  connecting?: Connecting,
): End {
  const { code, message } = refusal;
  const packet = refusingConnack(protocolVersion, refusal);
  return {
    code,
    message,
    will: 'discard',
    ...(packet === undefined ? {} : { packet }),
    ...(clientMaxPacketBytes === undefined ? {} : { clientMaxPacketBytes }),
    ...(connecting === undefined ? {} : { connecting }),
  };
}

function refusingConnack(
  protocolVersion: ProtocolVersion | undefined,
  { code, reasonCode, message }: Refusal,
): ConnackPacket | undefined {
  if (protocolVersion === undefined) return undefined;
  if (protocolVersion === 5)
    return { cmd: 'connack', sessionPresent: false, reasonCode, properties: { reasonString: message } };
  const returnCode = v3Answer(code);
  return returnCode === 'close' ? undefined : { cmd: 'connack', sessionPresent: false, returnCode };
}
