import { expect, it } from 'vitest';
import { Outbound } from '../../lib/edge/outbound.ts';
import { encodeChunks, encodePackets } from '../../lib/wire/index.ts';

function recording() {
  const written: string[] = [];
  const client = {
    hold: () => true,
    write: (bytes: Uint8Array) => void written.push(Buffer.from(bytes).toString('hex')),
    pause: () => {},
    resume: () => {},
    end: () => {},
    destroy: () => {},
  };
  return { written, outbound: new Outbound(client) };
}

const text = (hex: string): string => encodePackets(Buffer.from(hex, 'hex'));
const connack = Buffer.from('20020000', 'hex');

it('writes pushes behind the reply that they wait for', () => {
  const { written, outbound } = recording();
  outbound.hold(true);
  expect(outbound.push(text('3000'))).toBe(true);
  outbound.release([connack]);
  outbound.push(text('3001'));
  expect(written).toEqual(['20020000', '3000', '3001']);
});

it('writes to a client without CONNACK nothing but CONNACK', () => {
  const { written, outbound } = recording();
  outbound.hold(true);
  outbound.push(text('3000'));
  outbound.push(text('20020005'));
  outbound.releaseLast();
  expect(written).toEqual(['20020005']);
});

it('drops what was held where a frame fails, and says why to a client with CONNACK', () => {
  const { written, outbound } = recording();
  outbound.hold(true);
  outbound.push(text('3000'));
  outbound.fail(Buffer.from('e00189', 'hex'));
  expect(written).toEqual([]);
  outbound.release([]);
  outbound.fail(Buffer.from('e00189', 'hex'));
  expect(written).toEqual(['e00189']);
});

it.each(['.', '{"message": "Internal server error"}', '~', '###', '~a:9:2:AAAA'])(
  'refuses the text %s, and goes on',
  (wrong) => {
    const { written, outbound } = recording();
    expect(outbound.push(wrong)).toBe(false);
    expect(outbound.push(text('c000'))).toBe(true);
    expect(written).toEqual(['c000']);
  },
);

it('puts packets together after many senders have left theirs unfinished', () => {
  const { written, outbound } = recording();
  const packet = Buffer.concat([Buffer.from('30c0bb01', 'hex'), Buffer.alloc(24_000, 'a')]);
  for (let sender = 0; sender < 40; sender += 1)
    expect(outbound.push(encodeChunks(`s${sender}`, packet)[0] ?? '')).toBe(true);
  for (const chunk of encodeChunks('whole', packet)) outbound.push(chunk);
  expect(written).toEqual([packet.toString('hex')]);
});

it('has room for some megabytes that wait', () => {
  const { outbound } = recording();
  outbound.hold(false);
  const large = encodePackets(Buffer.alloc(24_000));
  let count = 0;
  while (outbound.push(large)) count += 1;
  expect(count).toBe(Math.floor((4 * 1024 * 1024) / 24_000));
});
