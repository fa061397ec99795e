import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { MinuteCounts, UsageMinute } from '../core/usage.ts';
import { type Item, ItemFormatError } from './attributes.ts';

/** Decimal digits of a field; numbers of DynamoDB are exact to 38. */
const fieldDigits = 9;
/** From the last digits to the first. */
const fields = ['messagesIn', 'messagesOut', 'refusals'] as const satisfies readonly (keyof MinuteCounts)[];

/** Name of an attribute that counts a minute of the hour: `00` to `59`. */
const minuteName = /^[0-5]\d$/;

/**
 * The counts of a minute as one number, so that 60 minutes fit into the row of their hour and ADD
 * adds all of them at once: `refusals` before 9 digits of `messagesOut`, before 9 of `messagesIn`.
 * Attributes of a map cannot be added to before the map exists, and one attribute for each count
 * would make the row larger than 1 KB, which a write unit pays for. A row is so where a tenant is
 * refused something in every minute of a busy hour. Nine digits are 16 million messages a second.
 * Connects are left out: with them such a row would be usual, not rare, because clients come and
 * go in every minute.
 */
function packedMinute(counts: Partial<MinuteCounts>): AttributeValue {
  const sum = fields.reduce(
    (packed, name, place) => packed + BigInt(counts[name] ?? 0) * 10n ** BigInt(place * fieldDigits),
    0n,
  );
  return { N: sum.toString() };
}

/** Attribute name and value of each minute. */
export function packedMinutes(minutes: ReadonlyMap<string, Partial<MinuteCounts>>): Item {
  return Object.fromEntries(
    [...minutes].map(([minute, counts]) => [minute.slice(-'00'.length), packedMinute(counts)]),
  );
}

/** The minutes of an hour's row, ascending. */
export function minutesFrom(item: Item, hour: string): UsageMinute[] {
  return Object.keys(item)
    .filter((name) => minuteName.test(name))
    .sort()
    .map((name) => ({ minute: `${hour}:${name}`, counts: unpacked(item, name) }));
}

function unpacked(item: Item, name: string): MinuteCounts {
  const text = item[name]?.N ?? '';
  if (!/^\d+$/.test(text)) throw new ItemFormatError(name);
  const packed = BigInt(text);
  const base = 10n ** BigInt(fieldDigits);
  const at = (place: number): number => Number((packed / base ** BigInt(place)) % base);
  return { messagesIn: at(0), messagesOut: at(1), refusals: at(2) };
}
