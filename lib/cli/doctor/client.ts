import type { Packet } from '../../mqtt/index.ts';
import { answerMs } from './mailbox.ts';
import { openProbe, type Probe, packetsOf } from './probe.ts';

export interface Credentials {
  readonly tenant: string;
  readonly token: string;
}

/** Sends CONNECT. @throws Error unless it is accepted. */
export async function sendConnect(
  probe: Probe,
  { tenant, token }: Credentials,
  clientId: string,
): Promise<void> {
  const [connack] = await probe.request({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId,
    clean: true,
    keepalive: 0,
    username: tenant,
    password: Buffer.from(token),
  });
  const code = connack?.[3];
  if (code !== 0) throw new Error(`CONNACK with return code ${code}`);
}

/** A probe whose CONNECT was accepted. */
export async function openClient(url: string, credentials: Credentials, clientId: string): Promise<Probe> {
  const probe = await openProbe(url);
  try {
    await sendConnect(probe, credentials, clientId);
    return probe;
  } catch (error) {
    probe.close();
    throw error;
  }
}

/** @throws Error unless every filter is granted. */
export async function subscribe(probe: Probe, filters: readonly string[], qos: 0 | 1): Promise<void> {
  const subscriptions = filters.map((topic) => ({ topic, qos, nl: false, rap: false, rh: 0 as const }));
  const [suback] = await probe.request({ cmd: 'subscribe', messageId: 1, subscriptions });
  const refused = filters.findIndex((_, index) => suback?.at(index - filters.length) !== qos);
  if (refused >= 0) throw new Error(`SUBACK with return code ${suback?.at(refused - filters.length)}`);
}

export function publishPacket(topic: string, payload: Buffer, qos: 0 | 1): Packet {
  const messageId = qos === 0 ? {} : { messageId: 2 };
  return { cmd: 'publish', topic, payload, qos, dup: false, retain: false, ...messageId };
}

/**
 * Waits for a pushed PUBLISH and acknowledges it.
 * @returns when it came, as `performance.now()`.
 * @throws Error if another message comes.
 */
export async function receive(
  probe: Probe,
  topic: string,
  payload: Buffer,
  waitMs?: number,
): Promise<number> {
  const arrival = await probe.next('push', waitMs);
  const [publish] = packetsOf(arrival);
  if (publish === undefined || !publish.includes(payload)) throw new Error('another message arrived');
  if ((publish[0] ?? 0) & 0b110) {
    // Behind the fixed header, of which two bytes suffice for such a message, and the topic.
    const messageId = publish.readUInt16BE(4 + topic.length);
    await probe.request({ cmd: 'puback', messageId });
  }
  return arrival.atMs;
}

/** Ends the session, and waits until the service has closed the connection. */
export async function disconnect(probe: Probe): Promise<void> {
  await Promise.race([probe.request({ cmd: 'disconnect' }), probe.closed(answerMs)]).catch(() => undefined);
  probe.close();
}
