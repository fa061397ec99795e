import { isUtf8 } from 'node:buffer';
import type { IPublishPacket } from 'mqtt';
import { escapeControls } from '../../core/escape-controls.ts';

/**
 * A message on one line: topic and payload. Both come from clients, so control characters, line
 * feeds among them, are escaped: no message can look like another one. Binary payloads are base64.
 */
export function messageLine({ topic, payload }: IPublishPacket): string {
  const bytes = Buffer.from(payload);
  const shown = isUtf8(bytes)
    ? bytes.toString('utf8')
    : `(${bytes.length} bytes, base64) ${bytes.toString('base64')}`;
  return `${escapeControls(topic)} ${escapeControls(shown)}`;
}

/** A message as a JSON document on one line, with the members of `wisp retained show`. */
export function messageJson({ topic, payload, qos, retain, properties = {} }: IPublishPacket): string {
  const bytes = Buffer.from(payload);
  const encoding = isUtf8(bytes) ? 'utf8' : 'base64';
  const { contentType, responseTopic, correlationData, userProperties, messageExpiryInterval } = properties;
  return JSON.stringify({
    topic,
    payload: bytes.toString(encoding),
    encoding,
    qos,
    retain,
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData: correlationData.toString('base64') }),
    ...(userProperties === undefined ? {} : { userProperties }),
    ...(messageExpiryInterval === undefined ? {} : { messageExpirySeconds: messageExpiryInterval }),
  });
}
