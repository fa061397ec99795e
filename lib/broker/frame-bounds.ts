import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import { type Refusal, refusal } from '../core/reasons.ts';
import type { ClientPacket } from '../mqtt/index.ts';
import { maxFrameFilters, maxFramePackets } from '../wire/index.ts';

/** Each AUTH verifies a token, and a client awaits the answer before the next. */
const maxFrameAuths = 1;

/**
 * Why a frame asks for more work than one frame may (docs/wire.md#work-of-a-frame). Nothing of such
 * a frame is handled, and it is counted.
 */
export function frameRefusal({ log }: Context, packets: readonly ClientPacket[]): Refusal | undefined {
  const exceeded = exceededBound(packets);
  if (exceeded === undefined) return undefined;
  log.count(metrics.framesRefused);
  return refusal('frame-too-costly', exceeded);
}

function exceededBound(packets: readonly ClientPacket[]): string | undefined {
  let filters = 0;
  let auths = 0;
  for (const packet of packets) {
    if (packet.cmd === 'subscribe') filters += packet.subscriptions.length;
    else if (packet.cmd === 'unsubscribe') filters += packet.unsubscriptions.length;
    else if (packet.cmd === 'auth') auths += 1;
  }
  if (filters > maxFrameFilters) return `at most ${maxFrameFilters} filters`;
  if (auths > maxFrameAuths) return `at most ${maxFrameAuths} AUTH`;
  return packets.length > maxFramePackets ? `at most ${maxFramePackets} packets` : undefined;
}
