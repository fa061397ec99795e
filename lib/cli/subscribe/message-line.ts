import { isUtf8 } from 'node:buffer';
import type { IPublishPacket } from 'mqtt';
import { escapeControls } from '../../core/escape-controls.ts';

/**
 * A message on one line: topic and payload. Both come from clients, so control characters, line
 * feeds among them, are escaped: no message can look like another one. Binary payloads are base64.
 */
export function messageLine({ topic, payload }: IPublishPacket): string {
  return `${escapeControls(topic)} ${shownPayload(payload)}`;
}

export function shownPayload(payload: IPublishPacket['payload']): string {
  const bytes = Buffer.from(payload);
  return isUtf8(bytes)
    ? escapeControls(bytes.toString('utf8'))
    : `(${bytes.length} bytes, base64) ${bytes.toString('base64')}`;
}

/** A message as a JSON document on one line, with the members of `wisp retained show`. */
export function messageJson(message: IPublishPacket): string {
  const { topic, qos, retain } = message;
  return JSON.stringify({ topic, ...payloadMembers(message), qos, retain, ...propertyMembers(message) });
}

export function payloadMembers({ payload }: IPublishPacket): { payload: string; encoding: string } {
  const bytes = Buffer.from(payload);
  const encoding = isUtf8(bytes) ? 'utf8' : 'base64';
  return { payload: bytes.toString(encoding), encoding };
}

/** The properties that a message has. */
export function propertyMembers({ properties = {} }: IPublishPacket): Readonly<Record<string, unknown>> {
  const { contentType, responseTopic, correlationData, userProperties, messageExpiryInterval } = properties;
  return {
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData: correlationData.toString('base64') }),
    ...(userProperties === undefined ? {} : { userProperties }),
    ...(messageExpiryInterval === undefined ? {} : { messageExpirySeconds: messageExpiryInterval }),
  };
}
