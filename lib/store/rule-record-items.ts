import type { RuleKey, RuleRecord } from '../core/rules.ts';
import type { RuleFailure, WaitingRecord } from '../core/store-ports/rule-records.ts';
import { type Item, N, number, string, version } from './attributes.ts';
import { type Fields, group, maybe, numeric, single, text } from './fields.ts';
import { messageField } from './message-item.ts';

/** Sort keys in a rule's partitions of table Messages. */
export const waitingPrefix = 'w#';
export const failurePrefix = 'd#';
/** Digits of a sequence number of SQS (Amazon SQS Developer Guide, "FIFO queue identifiers"). */
const sequenceDigits = 20;

export function waitingPart(sequence: string): string {
  return `${waitingPrefix}${sequence.padStart(sequenceDigits, '0')}`;
}

export function failurePart(id: string): string {
  return `${failurePrefix}${id}`;
}

/** A record without its rule, which the key tells. */
type StoredRecord = Omit<RuleRecord, keyof RuleKey>;

const recordFields: Fields<StoredRecord> = {
  lane: text('lane'),
  message: messageField,
  publishedAtMs: numeric('at'),
  hops: numeric('hops'),
  failure: maybe(text('failure')),
  retryFromMs: maybe(numeric('retryFrom')),
  moves: maybe(numeric('moves')),
  undecided: maybe(
    single(
      'undecided',
      () => ({ BOOL: true }),
      () => true as const,
    ),
  ),
};

const recordField = group(recordFields);

export function waitingItem({ record }: WaitingRecord): Item {
  return { v: version, ...recordField.write(record) };
}

export function waitingFrom(key: RuleKey, strand: number, row: Item, part: string): WaitingRecord {
  return { record: recordFrom(key, row), sequence: part.slice(waitingPrefix.length), strand };
}

export function failureItem({ record, atMs }: RuleFailure): Item {
  return { v: version, failedAt: N(atMs), ...recordField.write(record) };
}

export function failureFrom(key: RuleKey, row: Item): RuleFailure {
  return {
    id: string(row, 'part').slice(failurePrefix.length),
    record: recordFrom(key, row),
    atMs: number(row, 'failedAt'),
  };
}

function recordFrom({ tenant, rule }: RuleKey, row: Item): RuleRecord {
  return { tenant, rule, ...recordField.read(row) };
}
