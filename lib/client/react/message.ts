import type { IPublishPacket } from 'mqtt';

export type Qos = 0 | 1 | 2;

/** A message as the hooks give it. Components share it: do not change it. */
export interface WispMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The payload as UTF-8 text. */
  readonly text: string;
  readonly qos: Qos;
  /** Whether the service had stored the message before the subscription. */
  readonly retain: boolean;
  /** MQTT 5.0: content type, user properties and others. */
  readonly properties: IPublishPacket['properties'];
}

export function messageOf(topic: string, payload: Uint8Array, packet: IPublishPacket): WispMessage {
  return {
    topic,
    payload,
    // MQTT.js gives a Buffer. Most pages never read the text of every message.
    get text() {
      return payload.toString();
    },
    qos: packet.qos,
    retain: packet.retain,
    properties: packet.properties,
  };
}
