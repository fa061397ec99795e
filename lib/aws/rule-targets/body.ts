import { createHash } from 'node:crypto';
import type { RuleDelivery } from '../../rules/target.ts';

/** The body as text; undefined: it is not UTF-8. */
export function textOfBody(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}

/** The body as a JSON object; undefined: it is none. */
export function objectOf(body: Uint8Array): Record<string, unknown> | undefined {
  const text = textOfBody(body);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The characters of XML 1.0, which SQS and SNS take: no NUL, no lone surrogates. */
const xmlText = /^[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]+$/u;

/** A message of SQS or SNS. */
export interface QueuedBody {
  readonly text: string;
  readonly attributes: Record<string, { readonly DataType: 'String'; readonly StringValue: string }>;
  readonly bytes: number;
}

/**
 * The body as text of SQS and SNS. What is no such text becomes Base64, with the attribute
 * `wisp-encoding`. @returns undefined if the body is empty.
 */
export function queuedBodyOf({ id, event, body, contentType }: RuleDelivery): QueuedBody | undefined {
  if (body.length === 0) return undefined;
  const plain = textOfBody(body);
  const isText = plain !== undefined && xmlText.test(plain);
  const text = isText ? plain : Buffer.from(body).toString('base64');
  const values = {
    'wisp-id': id,
    'wisp-topic': event.topic,
    'content-type': contentType,
    ...(isText ? {} : { 'wisp-encoding': 'base64' }),
  };
  const fitting = Object.entries(values).filter(([, value]) => xmlText.test(value));
  const attributes = Object.fromEntries(
    fitting.map(([name, StringValue]) => [name, { DataType: 'String' as const, StringValue }]),
  );
  const attributeBytes = fitting.reduce(
    (sum, [name, value]) => sum + name.length + 'String'.length + Buffer.byteLength(value),
    0,
  );
  return { text, attributes, bytes: Buffer.byteLength(text) + attributeBytes };
}

/** Group and deduplication ids of SQS and SNS. A text that is none becomes its hash. */
export function fifoIdOf(text: string): string {
  return /^[\w!"#$%&'()*+,\-./:;<=>?@[\\\]^`{|}~]{1,128}$/.test(text)
    ? text
    : createHash('sha256').update(text).digest('base64url');
}
