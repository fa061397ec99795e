import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { LifecycleEvent } from '../broker/model.ts';
import type { LifecycleEvents } from '../broker/ports.ts';
import { type AwsClientOptions, cheapSettings, removeCostlyMiddleware } from './settings.ts';

export const eventSource = 'wisp';
export const detailTypes: Readonly<Record<LifecycleEvent['event'], string>> = {
  connected: 'Wisp Client Connected',
  disconnected: 'Wisp Client Disconnected',
};

/** CONNACK waits for the call: better to lose an event than to keep clients waiting. Two attempts of a second at most. */
const patience = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 500, requestTimeout: 1_000, throwOnRequestTimeout: true },
} as const;

/** EventBridge took the call and not the event. */
export class EventRefusedError extends Error {
  readonly code = 'event-refused';
  override readonly name = 'EventRefusedError';
}

/**
 * Lifecycle events on an EventBridge bus, with source `wisp` and the event as detail. The client is loaded with the first
 * event, so that a deployment without a bus pays nothing at start.
 */
export function eventBus(busName: string, options: AwsClientOptions = {}): LifecycleEvents {
  let loading: Promise<typeof import('@aws-sdk/client-eventbridge')> | undefined;
  let client: EventBridgeClient | undefined;

  return {
    async put(event) {
      loading ??= import('@aws-sdk/client-eventbridge');
      const { EventBridgeClient: Client, PutEventsCommand } = await loading;
      client ??= quick(new Client({ ...cheapSettings(options), ...patienceFor(options) }));
      const { Entries } = await client.send(
        new PutEventsCommand({
          Entries: [
            {
              EventBusName: busName,
              Source: eventSource,
              DetailType: detailTypes[event.event],
              Time: new Date(event.event === 'connected' ? event.connectedAtMs : event.disconnectedAtMs),
              Detail: JSON.stringify(event),
            },
          ],
        }),
      );
      const code = Entries?.[0]?.ErrorCode;
      if (code !== undefined) throw new EventRefusedError(code);
    },
  };
}

function patienceFor({ requestHandler }: AwsClientOptions) {
  return requestHandler === undefined ? patience : { maxAttempts: patience.maxAttempts };
}

function quick(client: EventBridgeClient): EventBridgeClient {
  removeCostlyMiddleware(client.middlewareStack);
  return client;
}
