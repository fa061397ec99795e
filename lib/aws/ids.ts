import { randomBytes } from 'node:crypto';
import type { Ids } from '../core/ports.ts';

/** Crockford's base 32. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** ULIDs: 48 bits of time and 80 random bits as 26 characters. */
export function createIds(nowMs: () => number): Ids {
  return {
    unique() {
      let time = nowMs();
      let id = '';
      for (let index = 0; index < 10; index += 1) {
        id = alphabet.charAt(time % 32) + id;
        time = Math.floor(time / 32);
      }
      for (const byte of randomBytes(16)) id += alphabet.charAt(byte % 32);
      return id;
    },
  };
}
