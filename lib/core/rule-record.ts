import * as v from 'valibot';
import { decodeBase64, encodeBase64 } from '../wire/index.ts';
import type { Message, MessageProperties } from './model.ts';
import type { RuleRecord } from './rules.ts';
import { isTenantName, type TenantId } from './tenant-id.ts';

/**
 * A record of a rule as JSON text: in messages of the rule queue, and in rows of records that wait
 * or have failed. Bytes are base64. The largest packet (131,072 bytes) makes at most 788 KB of it,
 * where every byte is a control character in a user property; SQS takes 1 MiB.
 */
export function ruleRecordText(record: RuleRecord): string {
  const { message, ...others } = record;
  const { payload, properties, ...fields } = message;
  const { correlationData, ...texts } = properties;
  const stored: StoredRecord = {
    ...others,
    message: {
      ...fields,
      payload: encodeBase64(payload),
      properties: {
        ...texts,
        ...(correlationData === undefined ? {} : { correlationData: encodeBase64(correlationData) }),
      },
    },
  };
  return JSON.stringify(stored);
}

/**
 * A record that this release does not write; most likely a newer one wrote it. Nobody may deliver
 * it in part.
 */
export class RuleRecordFormatError extends Error {
  readonly code = 'rule-record-format';
  override readonly name = 'RuleRecordFormatError';
  constructor() {
    super('a record of a rule has a format that this release does not know: see docs/upgrading.md');
  }
}

/**
 * The record of a text that {@link ruleRecordText} wrote.
 * @param stored the text, or its JSON value.
 * @throws RuleRecordFormatError when it is something else.
 */
export function ruleRecordFrom(stored: unknown): RuleRecord {
  const result = v.safeParse(recordSchema, typeof stored === 'string' ? jsonOf(stored) : stored);
  if (!result.success) throw new RuleRecordFormatError();
  const { message, ...others } = result.output;
  const { payload, properties, ...fields } = message;
  const { correlationData, ...texts } = properties;
  const carried: MessageProperties = {
    ...texts,
    ...(correlationData === undefined ? {} : { correlationData: bytesFrom(correlationData) }),
  };
  const whole: Message = { ...fields, payload: bytesFrom(payload), properties: carried };
  return { ...others, message: whole };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RuleRecordFormatError();
  }
}

function bytesFrom(text: string): Uint8Array {
  const bytes = decodeBase64(text);
  if (bytes === undefined) throw new RuleRecordFormatError();
  return bytes;
}

const time = v.pipe(v.number(), v.integer(), v.minValue(0));

const recordSchema = v.strictObject({
  /** A tenant id that a function of this stack has vouched for. */
  tenant: v.custom<TenantId>((value) => typeof value === 'string' && isTenantName(value)),
  rule: v.string(),
  lane: v.picklist(['common', 'kafka']),
  publishedAtMs: time,
  hops: v.pipe(v.number(), v.integer(), v.minValue(0)),
  failure: v.exactOptional(v.string()),
  retryFromMs: v.exactOptional(time),
  undecided: v.exactOptional(v.literal(true)),
  moves: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  message: v.strictObject({
    id: v.string(),
    topic: v.string(),
    payload: v.string(),
    qos: v.picklist([0, 1, 2]),
    retain: v.boolean(),
    publisher: v.exactOptional(v.string()),
    expiresAtMs: v.exactOptional(time),
    properties: v.strictObject({
      payloadFormatIndicator: v.exactOptional(v.boolean()),
      contentType: v.exactOptional(v.string()),
      responseTopic: v.exactOptional(v.string()),
      correlationData: v.exactOptional(v.string()),
      userProperties: v.exactOptional(v.array(v.tuple([v.string(), v.string()]))),
    }),
  }),
});

type StoredRecord = Omit<RuleRecord, 'message'> & {
  readonly message: Omit<Message, 'payload' | 'properties'> & {
    readonly payload: string;
    readonly properties: Omit<MessageProperties, 'correlationData'> & { readonly correlationData?: string };
  };
};
