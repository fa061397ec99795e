import type { LifecycleEvent } from '../core/model.ts';
import type { LifecycleEvents } from '../core/ports.ts';
import type { EventBusClient } from './event-bus-client.ts';
import type { AwsClientOptions } from './settings.ts';

const eventSource = 'wisp';
const detailTypes: Readonly<Record<LifecycleEvent['event'], string>> = {
  connected: 'Wisp Client Connected',
  disconnected: 'Wisp Client Disconnected',
};

/** EventBridge answered the call but refused the event; the message is its code. */
export class EventRefusedError extends Error {
  readonly code = 'event-refused';
  override readonly name = 'EventRefusedError';
}

/**
 * Sends lifecycle events to an EventBridge bus, with source `wisp` and the event as detail. The
 * SDK's client is loaded with the first event, because most deployments have no bus.
 */
export function createEventBus(busName: string, options: AwsClientOptions = {}): LifecycleEvents {
  let client: Promise<EventBusClient> | undefined;
  return {
    async put(event) {
      client ??= import('./event-bus-client.ts').then((module) => module.createEventBusClient(options));
      const refusal = await (await client).put({
        EventBusName: busName,
        Source: eventSource,
        DetailType: detailTypes[event.event],
        Time: new Date(event.event === 'connected' ? event.connectedAtMs : event.disconnectedAtMs),
        Detail: JSON.stringify(event),
      });
      if (refusal !== undefined) throw new EventRefusedError(refusal);
    },
  };
}
