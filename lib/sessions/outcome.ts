import type { Connection, ProtocolVersion, TenantLive } from '../core/model.ts';
import type { ConnackPacket, ServerPacket } from '../mqtt/index.ts';
import { connackReturnCode } from '../mqtt/index.ts';

/** The server's decision to end a connection. */
export interface End {
  /** Stable code for logs and metrics. */
  readonly code: string;
  /** MQTT 5.0 reason code, whatever the client's version. */
  readonly reasonCode?: number;
  /** For the log and, in 5.0, the client's Reason String. Holds nothing secret. */
  readonly message: string;
  /** Last packet to the client, if its version has one. */
  readonly packet?: ServerPacket;
  /** Whether the Will is published [MQTT-3.1.2-8 v3+v5]; only a DISCONNECT with reason 0x00 discards it. */
  readonly will: 'publish' | 'discard';
  /** Largest packet in bytes that a client takes whose CONNECT is refused; afterwards its connection says so. */
  readonly clientMaxPacketBytes?: number;
}

/** What handling a packet, or a run of packets, came to. */
export interface Outcome {
  /** Packets for the route response, in order. */
  readonly replies: readonly ServerPacket[];
  /** The connection as later packets of the frame must see it, where it changed. */
  readonly connection?: Connection;
  /** The tenant's row as later packets of the frame must see it, where it changed. */
  readonly live?: TenantLive;
  readonly end?: End;
}

/** Ends an accepted connection with a reason: DISCONNECT in 5.0 [MQTT-4.13.1-1 v5], without an expiry [MQTT-3.14.2-2 v5]; nothing but the close before. */
export function endWith(
  protocolVersion: ProtocolVersion | undefined,
  reasonCode: number,
  code: string,
  message: string,
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
 * Refuses a CONNECT: CONNACK with the reason in the form of the version; where 3.1.1 has no return code for it, the
 * connection is closed without one [MQTT-3.2.2-6 v3]. Session Present is 0 [MQTT-3.2.2-4 v3, MQTT-3.2.2-6 v5], and the close
 * follows [MQTT-3.2.2-5 v3, MQTT-3.2.2-7 v5], so that nothing more of the client is handled [MQTT-3.1.4-5 v3].
 */
export function refuseConnect(
  protocolVersion: ProtocolVersion | undefined,
  reasonCode: number,
  code: string,
  message: string,
  clientMaxPacketBytes?: number,
): End {
  const packet = refusal(protocolVersion, reasonCode, message);
  return {
    code,
    message,
    will: 'discard',
    ...(packet === undefined ? {} : { packet }),
    ...(clientMaxPacketBytes === undefined ? {} : { clientMaxPacketBytes }),
  };
}

function refusal(
  protocolVersion: ProtocolVersion | undefined,
  reasonCode: number,
  message: string,
): ConnackPacket | undefined {
  if (protocolVersion === undefined) return undefined;
  if (protocolVersion === 5)
    return { cmd: 'connack', sessionPresent: false, reasonCode, properties: { reasonString: message } };
  const returnCode = connackReturnCode(reasonCode);
  return returnCode === undefined ? undefined : { cmd: 'connack', sessionPresent: false, returnCode };
}
