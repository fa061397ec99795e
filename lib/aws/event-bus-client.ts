import type { PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { type AwsClientOptions, cheapSettings, removeCostlyMiddleware } from './settings.ts';

/**
 * CONNACK waits for the call, so an event is lost rather than delaying the client further: two
 * attempts of one second each.
 */
const maxAttempts = 2;
const timeouts = { connectionTimeout: 500, requestTimeout: 1_000, throwOnRequestTimeout: true } as const;

export interface EventBusClient {
  /** @returns the code with which EventBridge refused the entry; undefined if it accepted it. */
  put(entry: PutEventsRequestEntry): Promise<string | undefined>;
}

/** In a module of its own, which is loaded with the first event. */
export function createEventBusClient(options: AwsClientOptions): EventBusClient {
  const client = new EventBridgeClient({
    ...cheapSettings(options),
    maxAttempts,
    requestHandler: options.requestHandler ?? timeouts,
  });
  removeCostlyMiddleware(client.middlewareStack);
  return {
    async put(entry) {
      const { Entries } = await client.send(new PutEventsCommand({ Entries: [entry] }));
      return Entries?.[0]?.ErrorCode;
    },
  };
}
