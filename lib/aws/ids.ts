import { randomFillSync } from 'node:crypto';
import type { Ids } from '../core/ports.ts';

/** Crockford's base 32. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** Characters of the time, and random ones behind it. */
const timeLength = 10;
const randomLength = 16;
/** Ids whose random bytes are made at once: asking for them costs more than making them. */
const idsPerFill = 256;

/** ULIDs: 48 bits of time and 80 random bits as 26 characters. */
export function createIds(nowMs: () => number): Ids {
  const random = new Uint8Array(idsPerFill * randomLength);
  let used = random.length;
  let lastMs = Number.NaN;
  let lastTime = '';

  function timeText(ms: number): string {
    let time = ms;
    let text = '';
    for (let index = 0; index < timeLength; index += 1) {
      text = alphabet.charAt(time % 32) + text;
      time = Math.floor(time / 32);
    }
    return text;
  }

  return {
    unique() {
      const ms = nowMs();
      if (ms !== lastMs) lastTime = timeText(ms);
      lastMs = ms;
      if (used === random.length) {
        randomFillSync(random);
        used = 0;
      }
      let id = lastTime;
      for (const end = used + randomLength; used < end; used += 1)
        id += alphabet.charAt((random[used] ?? 0) % 32);
      return id;
    },
  };
}
