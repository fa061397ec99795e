import type { IClientPublishOptions } from 'mqtt';
import { useCallback } from 'react';
import { useHeldFilters } from './provider.ts';

/**
 * Resolves at QoS 0 when the message is written, at QoS 1 and 2 when the service has acknowledged
 * it. Without a connection the message waits for the next one. Rejects if the service refuses it.
 */
export type Publish = (
  topic: string,
  payload: string | Uint8Array,
  options?: IClientPublishOptions,
) => Promise<void>;

/** The same function at every render. */
export function usePublish(): Publish {
  const { client } = useHeldFilters();
  return useCallback(
    async (topic, payload, options) => {
      // MQTT.js takes any Uint8Array.
      await client.publishAsync(topic, payload as string, options);
    },
    [client],
  );
}
