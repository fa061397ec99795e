import { describe, expect, test } from 'vitest';
import {
  clientMaySend,
  connackReturnCode,
  isFailure,
  mqttError,
  mqttErrorCodes,
  reasonCodes,
  reasonText,
  subackCode,
} from '../../lib/mqtt/index.ts';

describe('the catalogue', () => {
  test('has all 45 rows of table 2-6, each for a packet', () => {
    expect(Object.keys(reasonCodes)).toHaveLength(45);
    for (const { packets } of Object.values(reasonCodes)) expect(packets.length).toBeGreaterThan(0);
  });

  test('names a code as its packet means it', () => {
    expect(reasonText('suback', 0)).toBe('Granted QoS 0');
    expect(reasonText('disconnect', 0)).toBe('Normal disconnection');
    expect(reasonText('puback', 0)).toBe('Success');
    expect(reasonText('puback', 0x8e)).toBeUndefined();
    expect(reasonText('publish', 0)).toBeUndefined();
  });

  test('one packet never has one code twice', () => {
    const seen = Object.values(reasonCodes).flatMap(({ code, packets }) =>
      packets.map((packet) => `${packet} ${code}`),
    );
    expect(new Set(seen).size).toBe(seen.length);
  });

  test('every error has a reason that DISCONNECT or CONNACK may carry', () => {
    for (const code of mqttErrorCodes) {
      const { reasonCode } = mqttError(code);
      expect(reasonText('disconnect', reasonCode) ?? reasonText('connack', reasonCode)).toBeDefined();
      expect(isFailure(reasonCode)).toBe(true);
    }
  });
});

test.each([
  [0x00, 0],
  [0x84, 1],
  [0x85, 2],
  [0x88, 3],
  [0x89, 3],
  [0x97, 3],
  [0x86, 4],
  [0x87, 5],
  [0x8a, 5],
  [0x81, undefined],
  [0x82, undefined],
  [0x95, undefined],
])('CONNACK reason %i is return code %s in 3.1.1', (reason, returnCode) => {
  expect(connackReturnCode(reason)).toBe(returnCode);
});

test('SUBACK of 3.1.1 knows one failure', () => {
  expect([0, 1, 2, 0x87, 0x8f].map((code) => subackCode(code, 4))).toEqual([0, 1, 2, 0x80, 0x80]);
  expect([0, 2, 0x87].map((code) => subackCode(code, 5))).toEqual([0, 2, 0x87]);
});

test('some reasons are the server’s alone', () => {
  expect(clientMaySend('disconnect', 0x04)).toBe(true);
  expect(clientMaySend('disconnect', 0x8d)).toBe(false);
  expect(clientMaySend('auth', 0x00)).toBe(false);
  expect(clientMaySend('pubrel', 0x92)).toBe(true);
});
