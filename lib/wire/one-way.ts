import { encodeBase64 } from './base64.ts';
import { packetLength } from './packets.ts';

/**
 * API Gateway's route selection expression. Text that is not JSON, and any other value, goes to
 * `$default`.
 */
export const routeSelectionExpression = '$request.body.action';

/** Key of the route of one-way frames; it has no route response. */
export const oneWayRouteKey = 'oneway';

/**
 * `{"action":"oneway","packets":"B"}`: complete packets, each of which passes {@link mayGoOneWay};
 * at most 24,000 raw bytes.
 */
export function encodeOneWay(bytes: Uint8Array): string {
  return `{"action":"oneway","packets":"${encodeBase64(bytes)}"}`;
}

/** Offset after the variable byte integer that follows the first byte. */
function afterInteger(bytes: Uint8Array): number {
  let at = 1;
  while ((bytes[at++] as number) > 127);
  return at;
}

/**
 * Whether a client may send a packet in a one-way frame: a PUBLISH at QoS 0 without topic alias.
 * Any byte 0x23 (the identifier of that property) in the properties counts as an alias; a false
 * positive costs one reply.
 *
 * @param hasProperties whether the connection is of MQTT 5.0
 */
export function mayGoOneWay(packet: Uint8Array, hasProperties: boolean): boolean {
  const topic = afterInteger(packet);
  // Starts at the last byte of the topic, so that `packetLength` reads the property length as a
  // remaining length.
  const tail = packet.subarray(topic + 1 + (packet[topic] as number) * 256 + (packet[topic + 1] as number));
  return (
    (packet[0] as number) >> 1 === 0x18 &&
    (!hasProperties || !tail.subarray(afterInteger(tail), packetLength(tail)).includes(0x23))
  );
}
