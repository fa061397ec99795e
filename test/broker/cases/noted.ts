import { expect } from 'vitest';
import { disconnectCode, type MqttReasonName, type Reason, reasons } from '../../../lib/core/reasons.ts';
import type { Got } from '../../support/raw-client.ts';
import type { TestService } from '../../support/service.ts';

/** Refusals by code that have been noted since `before`. */
export function notedSince(service: TestService, before: ReadonlyMap<string, number>): Map<string, number> {
  const noted = new Map<string, number>();
  for (const [code, count] of service.refusals) {
    const added = count - (before.get(code) ?? 0);
    if (added > 0) noted.set(code, added);
  }
  return noted;
}

/** Reason codes of failures in packets to a client, in their order. */
function failuresIn(packets: readonly Got[]): number[] {
  return packets
    .flatMap(({ cmd, reasonCode, returnCode, granted }) => {
      if (cmd === 'suback' || cmd === 'unsuback') return (granted ?? []) as number[];
      if (cmd === 'connack') return [reasonCode ?? ((returnCode as number) > 0 ? 0x80 : 0)];
      return cmd === 'puback' || cmd === 'pubrec' || cmd === 'disconnect' ? [reasonCode ?? 0] : [];
    })
    .map(Number)
    .filter((code) => code >= 0x80);
}

/**
 * Expects that each failure that a client was told has been noted, once, by a code of the catalogue
 * that has this number. Before 5.0 most have the number 0x80, or are the close alone.
 *
 * @param untold messages that were dropped without a word: at QoS 0, and acknowledged ones of 3.1.1
 */
export function expectNoted(
  noted: ReadonlyMap<string, number>,
  packets: readonly Got[],
  version: 3 | 4 | 5,
  untold: number,
): void {
  const failures = failuresIn(packets);
  const total = [...noted.values()].reduce((sum, count) => sum + count, 0);
  if (version < 5) {
    expect(total, JSON.stringify([...noted])).toBeGreaterThanOrEqual(failures.length);
    return;
  }
  expect(total, JSON.stringify([...noted])).toBe(failures.length + untold);
  const numbers = new Set([...noted.keys()].flatMap(numbersOf));
  expect(failures.filter((number) => !numbers.has(number))).toEqual([]);
}

function numbersOf(code: string): number[] {
  const { reasonCode }: Reason = reasons[code as MqttReasonName];
  return reasonCode === undefined ? [] : [reasonCode, disconnectCode(code as MqttReasonName)];
}
