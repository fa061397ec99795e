import type { EndCause } from './keeper.ts';

/** 0x84, 0x85, 0x86, 0x87, 0x8A, 0x8C at 5.0 and 1, 2, 4, 5 at 3.1.1 reject the client or token. */
const refusals = [0x84, 0x85, 0x86, 0x87, 0x8a, 0x8c, 1, 2, 4, 5];
/** Maximum Connect Time: the token has ended. */
const expiredCode = 0xa0;

/** What the code of a CONNACK or DISCONNECT says about the token. */
export function endCauseOf(code: number): EndCause {
  if (code === expiredCode) return 'expired';
  return refusals.includes(code) ? 'refused' : 'lost';
}
