import type { IPublishPacket } from 'mqtt';
import { escapeControls } from '../../core/escape-controls.ts';
import { payloadMembers, propertyMembers, shownPayload } from './message-line.ts';

/**
 * A message as `wisp tail` prints it: time of arrival (UTC), topic, bytes of the payload, RETAIN,
 * properties as JSON, and the payload where it is asked for. Without the QoS of the publisher:
 * observers get every message at QoS 0.
 */
export function tailLine(message: IPublishPacket, at: Date, withPayload: boolean): string {
  const { topic, payload, retain } = message;
  const properties = propertyMembers(message);
  return [
    at.toISOString(),
    escapeControls(topic),
    `${Buffer.byteLength(payload)} B`,
    ...(retain ? ['retain'] : []),
    ...(Object.keys(properties).length === 0 ? [] : [escapeControls(JSON.stringify(properties))]),
    ...(withPayload ? [shownPayload(payload)] : []),
  ].join('  ');
}

/** The same as a JSON document on one line. */
export function tailJson(message: IPublishPacket, at: Date, withPayload: boolean): string {
  const { topic, payload, retain } = message;
  return JSON.stringify({
    at: at.toISOString(),
    topic,
    bytes: Buffer.byteLength(payload),
    retain,
    ...propertyMembers(message),
    ...(withPayload ? payloadMembers(message) : {}),
  });
}
