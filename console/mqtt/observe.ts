import type { MqttClient } from 'mqtt';
import { admin } from '../api/call.ts';
import type { Observer } from '../api/client-types.ts';
import { about } from '../session.ts';

/** Makes a temporary client that may subscribe to exactly these filters, and only that. */
export function createObserver(
  tenant: string,
  filters: readonly string[],
  seconds: number,
): Promise<Observer> {
  return admin('POST', `/tenants/${encodeURIComponent(tenant)}/observers`, { body: { filters, seconds } });
}

/** Ends a temporary client before it expires. */
export async function endObserver(tenant: string, { clientId }: Observer): Promise<void> {
  const path = `/tenants/${encodeURIComponent(tenant)}/observers/${encodeURIComponent(clientId)}`;
  await admin('DELETE', path).catch(() => {});
}

/**
 * Looks at the messages of one filter.
 *
 * @param onEnd called once when the connection ends, however it ends
 * @returns what ends it, once the subscription is there
 */
export async function observe(
  tenant: string,
  filter: string,
  seconds: number,
  onMessage: (payload: string) => void,
  onEnd: () => void,
): Promise<() => Promise<void>> {
  const url = about.value?.mqttUrl;
  if (url === undefined) throw new Error('the console does not know the address of the service');
  const [observer, { connectMqtt }] = await Promise.all([
    createObserver(tenant, [filter], seconds),
    import('./connect.ts'),
  ]);
  const { clientId, username, password } = observer;
  const client = connectMqtt({ url, clientId, username, password });
  const decoder = new TextDecoder();
  client.on('message', (_topic, payload) => onMessage(decoder.decode(payload)));
  const end = async () => {
    await client.endAsync(true);
    await endObserver(tenant, observer);
  };
  try {
    await connected(client);
    await client.subscribeAsync(filter, { qos: 0 });
  } catch (error) {
    await end();
    throw error;
  }
  client.once('close', onEnd);
  return end;
}

/** Resolves with CONNACK. @throws Error with the reason when the connection is refused */
export function connected(client: MqttClient): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
    client.once('close', () => reject(new Error('the connection was closed before it was accepted')));
  });
}
