import { expect, it } from 'vitest';
import { Inbound } from '../../lib/edge/inbound.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

function taken(inbound: Inbound): string[] {
  const batches: string[] = [];
  for (let batch = inbound.next(); batch !== undefined; batch = inbound.next())
    batches.push(Buffer.from(batch.bytes).toString('hex'));
  return batches;
}

it('splits a message of very many packets, a batch at a time', () => {
  const inbound = new Inbound();
  inbound.write(hex('c000'.repeat(131_000)));
  expect(inbound.next()?.bytes).toHaveLength(2 * 2_000);
  expect(inbound.waitingBytes).toBe(262_000 - 4_000);
  expect(taken(inbound).join('')).toHaveLength(2 * 258_000);
});

it('puts a packet together from pieces of a byte, in one buffer', () => {
  const inbound = new Inbound();
  const packet = hex(`308080 04${'61'.repeat(65_536)}`.replaceAll(' ', ''));
  for (const byte of packet.subarray(0, -1)) inbound.write(Uint8Array.of(byte));
  expect(inbound.hasPacket).toBe(false);
  expect(inbound.next()).toBeUndefined();
  inbound.write(packet.subarray(-1));
  expect(inbound.hasPacket).toBe(true);
  expect(taken(inbound)).toEqual([Buffer.from(packet).toString('hex')]);
  expect(inbound.waitingBytes).toBe(0);
});

it('does not write into the bytes of others', () => {
  const inbound = new Inbound();
  const piece = hex('c000c0');
  inbound.write(piece);
  inbound.write(hex('00'));
  expect(taken(inbound)).toEqual(['c000c000']);
  expect(Buffer.from(piece).toString('hex')).toBe('c000c0');
});

it.each([
  ['malformed', 'ffffffff', '30ffffffff'],
  ['beyond the limit', '81800801', '3081800801'],
])('keeps the header of a packet whose length is %s, behind those before it', (_, length, header) => {
  const inbound = new Inbound();
  inbound.write(hex(`c00030${length}616161`));
  expect(inbound.hasPacket).toBe(true);
  expect(taken(inbound)).toEqual(['c000', header]);
  inbound.write(hex('c000'));
  expect(inbound.next()).toBeUndefined();
});

it.each([
  ['CONNECT', '1000', { isConnect: true, holdsPushes: true }],
  ['SUBSCRIBE', 'c0008200', { isConnect: false, holdsPushes: true }],
  ['PUBLISH', '3000', { isConnect: false, holdsPushes: false }],
])('tells of %s what it means for pushes', (_, bytes, expected) => {
  const inbound = new Inbound();
  inbound.write(hex(bytes));
  expect(inbound.next()).toMatchObject(expected);
});
