import type { Context } from '../core/context.ts';
import type { ClientKey, Message, QueueEntry, Session } from '../core/model.ts';
import { hasEnded } from '../core/session-rules.ts';
import { encodedLength } from '../mqtt/index.ts';
import { enqueue } from './enqueue.ts';
import { isExpired, post } from './post.ts';
import { deleteEntries } from './queue-entries.ts';

/** What became of a message to one client. */
export type ToClient =
  /** QoS 0: it has been posted to the client's connection, or nothing took it. */
  | { readonly kind: 'sent' | 'not-sent' }
  /** QoS 1 and 2: it is durable. */
  | { readonly kind: 'queued'; readonly entry: WaitingEntry }
  | { readonly kind: 'no-session' | 'queue-full' }
  | { readonly kind: 'too-large'; readonly maxBytes: number };

/** The queue entry of a message to one client. */
export interface WaitingEntry {
  readonly generation: string;
  readonly sequence: number;
  readonly packetIdentifier: number;
  readonly message: Message;
  /** An earlier call has queued the message, whose expiry may have been another. */
  readonly isRepeated: boolean;
}

/**
 * Delivers one message to one client, which needs no subscription. At QoS 1 and 2 the message goes
 * through the queue of the client's session: it waits while the client is offline, and counts
 * against its Receive Maximum. At QoS 0 it goes only to a client that is online.
 *
 * Units at QoS 1 and 2 for up to 1 KB: ½ RCU for the session and those of {@link enqueue}. A name
 * adds 1 RCU and 1 WCU.
 *
 * A crash before the message is stored leaves nothing but a gap in the numbers; afterwards the
 * message is delivered, and the caller does not know. With a name the caller may repeat the call.
 * At QoS 2 the client gets the message once. At QoS 1 it may get it again if the first call has
 * died before it has written the name.
 *
 * @param name identifies the message among all that the session gets within 7 days: a repeated call
 *   with this name queues nothing.
 */
export async function deliverToClient(
  context: Context,
  key: ClientKey,
  message: Message,
  name?: string,
): Promise<ToClient> {
  const session = await context.sessions.get(key);
  if (session === undefined || hasEnded(session, context.clock.nowMs())) return { kind: 'no-session' };
  const { generation, clientMaxPacketBytes: maxBytes } = session;
  if (maxBytes !== undefined && packetBytes(message) > maxBytes) return { kind: 'too-large', maxBytes };
  const { qos } = message;
  if (qos === 0) return { kind: (await postOnce(context, session, message)) ? 'sent' : 'not-sent' };

  const earlier = name === undefined ? undefined : await context.queue.owner(key, generation, name);
  if (earlier !== undefined)
    return { kind: 'queued', entry: { ...earlier, generation, message, isRepeated: true } };
  const named = name === undefined ? message : { ...message, id: name };
  const stored: QueueEntry[] = [];
  const outcome = await enqueue(
    context,
    key,
    generation,
    [{ message: named, qos, retain: false, subscriptionIdentifiers: [] }],
    { onStored: (entries) => stored.push(...entries) },
  );
  const [entry] = stored;
  if (outcome === 'ended') {
    await context.sessionEnded(key, generation);
    return { kind: 'no-session' };
  }
  if (entry === undefined) return { kind: 'queue-full' };
  const owner = name === undefined ? undefined : await ownerOf(context, key, entry, name);
  return {
    kind: 'queued',
    entry: { ...(owner ?? entry), generation, message: named, isRepeated: owner !== undefined },
  };
}

/** Of two concurrent calls with one name, the first entry stays. @returns the other owner. */
async function ownerOf(context: Context, key: ClientKey, entry: QueueEntry, name: string) {
  const { generation, sequence } = entry;
  if ((await context.queue.own(key, generation, name, sequence)) === sequence) return undefined;
  await deleteEntries(context, key, [entry]);
  return context.queue.owner(key, generation, name);
}

/** @returns whether the connection that the session row names has taken the message. */
async function postOnce(context: Context, session: Session, message: Message): Promise<boolean> {
  const { address } = session;
  if (address === undefined) return false;
  const delivery = { message, qos: 0, retain: false, dup: false, subscriptionIdentifiers: [] } as const;
  const { outcome } = await post(context, session, { ...session, address }, [delivery]);
  if (outcome === 'gone') await context.connectionLost(session, address);
  return outcome === 'sent';
}

function packetBytes({ topic, payload, qos, properties }: Message): number {
  const { correlationData, userProperties, ...texts } = properties;
  const packet = {
    cmd: 'publish',
    topic,
    payload: Buffer.from(payload),
    qos,
    retain: false,
    dup: false,
    ...(qos === 0 ? {} : { messageId: 1 }),
    properties: {
      ...texts,
      ...(correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData) }),
      ...(userProperties === undefined ? {} : { userProperties: [...userProperties] }),
    },
  } as const;
  return encodedLength(packet, 5);
}

/** The first pause between two looks at a queue entry, in ms; each next one is twice as long. */
const firstPauseMs = 100;
/** The longest pause, in ms. */
const maxPauseMs = 2_000;

/**
 * Waits until the client has acknowledged a message (PUBACK, PUBCOMP), which removes its entry. The
 * looks are at most 17 in 25 s, each a read of the entry: 1 RCU per 4 KB of it. An entry that is
 * gone costs another ½ RCU. Writes nothing, so a crash leaves nothing.
 *
 * @param seconds how long to wait, without the time of the looks.
 * @returns false if the message still waits, or may have been dropped: its session has ended, it
 *   has expired, or it is larger than the client accepts.
 */
export async function isAcknowledgedWithin(
  context: Context,
  key: ClientKey,
  entry: WaitingEntry,
  seconds: number,
): Promise<boolean> {
  let leftMs = seconds * 1000;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, maxPauseMs)) {
    const found = await context.queue.get(key, entry.packetIdentifier);
    if (found?.sequence !== entry.sequence) return !(await mayBeDropped(context, key, entry));
    if (leftMs <= 0) return false;
    const nextMs = Math.min(pauseMs, leftMs);
    leftMs -= nextMs;
    await new Promise((resolve) => setTimeout(resolve, nextMs));
  }
}

async function mayBeDropped(
  context: Context,
  key: ClientKey,
  { generation, message, isRepeated }: WaitingEntry,
): Promise<boolean> {
  const session = await context.sessions.get(key);
  const nowMs = context.clock.nowMs();
  if (session?.generation !== generation || hasEnded(session, nowMs)) return true;
  const { clientMaxPacketBytes, maxQueueSeconds } = session;
  if (clientMaxPacketBytes !== undefined && packetBytes(message) > clientMaxPacketBytes) return true;
  if (isRepeated) return message.expiresAtMs !== undefined || maxQueueSeconds !== undefined;
  return isExpired(message, nowMs);
}
