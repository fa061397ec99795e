import type { Broker } from '../broker/broker.ts';
import type { Channels } from './channels.ts';

/** How often some channels are ended, in milliseconds. */
const stepMs = 100;

/**
 * Ends all channels evenly within `seconds`, so that their clients do not all connect elsewhere at
 * once. 5.0 clients are told that the server stops.
 */
export async function drainChannels(
  channels: Channels,
  broker: Pick<Broker, 'shutDown'>,
  seconds: number,
): Promise<void> {
  const open = [...channels.all];
  const steps = Math.max(1, Math.floor((seconds * 1000) / stepMs));
  const perStep = Math.ceil(open.length / steps);
  const ended: Promise<unknown>[] = [];
  for (let start = 0; start < open.length; start += perStep) {
    if (start > 0) await new Promise((resolve) => setTimeout(resolve, stepMs));
    for (const channel of open.slice(start, start + perStep)) {
      ended.push(channel.closed);
      // A client whose end cannot be stored is closed all the same: the sweep ends it later.
      broker.shutDown(channel.address).catch(() => channel.terminate());
    }
  }
  await Promise.all(ended);
}
