import type { Broker } from '../broker/broker.ts';
import type { Channels } from './channels.ts';

/** How often some channels are ended, in milliseconds. */
const stepMs = 100;
/** Time for the last clients to read what they got and close, in milliseconds. */
const lastMs = 6_000;

/**
 * Ends all channels evenly within `seconds`, so that their clients do not all connect elsewhere at
 * once, and closes what is left some seconds later. 5.0 clients are told that the server stops.
 */
export async function drainChannels(
  channels: Channels,
  broker: Pick<Broker, 'shutDown'>,
  seconds: number,
): Promise<void> {
  const open = [...channels.all];
  const startedAtMs = performance.now();
  for (let ended = 0; ended < open.length; ) {
    await pause(stepMs);
    const share = Math.min(1, (performance.now() - startedAtMs) / (seconds * 1000));
    for (const due = Math.ceil(open.length * share); ended < due; ended += 1) {
      const channel = open[ended];
      // A client whose end cannot be stored is closed all the same: the sweep ends it later.
      if (channel !== undefined) broker.shutDown(channel.address).catch(() => channel.terminate());
    }
  }
  await Promise.race([Promise.all([...channels.all].map(({ closed }) => closed)), pause(lastMs)]);
  for (const channel of channels.all) channel.terminate();
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
