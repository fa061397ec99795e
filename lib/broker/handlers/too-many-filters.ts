import type { Context } from '../../core/context.ts';
import type { Connection } from '../../core/model.ts';
import { reasonCodes } from '../../mqtt/index.ts';
import { type End, endWith } from '../../sessions/outcome.ts';

/**
 * Ends a connection whose SUBSCRIBE or UNSUBSCRIBE names more filters than one handler is to see to
 * (`maxFiltersPerPacket`): 0x97 in 5.0.
 */
export function tooManyFilters(
  { settings }: Context,
  { protocolVersion }: Connection,
  count: number,
): End | undefined {
  if (count <= settings.maxFiltersPerPacket) return undefined;
  return endWith(protocolVersion, {
    code: 'too-many-filters',
    message: `a SUBSCRIBE or UNSUBSCRIBE holds at most ${settings.maxFiltersPerPacket} filters`,
    reasonCode: reasonCodes.quotaExceeded.code,
  });
}
