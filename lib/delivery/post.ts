import { randomBytes } from 'node:crypto';
import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { ClientKey, Message, Qos, Route } from '../core/model.ts';
import { messageBytes } from '../core/usage.ts';
import { encodePacket, type PublishPacket } from '../mqtt/index.ts';
import { concatBytes, encodeChunks, encodePackets, maxFrameBytes } from '../wire/index.ts';
import { noteDropped } from './dropped.ts';

/** One PUBLISH to one client. */
export interface Delivery {
  readonly message: Message;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly dup: boolean;
  /** Present at QoS 1 and 2. */
  readonly packetIdentifier?: number;
  readonly subscriptionIdentifiers: readonly number[];
}

export interface PostResult {
  readonly outcome: 'sent' | 'gone' | 'failed';
  /** Deliveries larger than the client accepts: they count as delivered. */
  readonly tooLarge: readonly Delivery[];
  /** Deliveries of the text that failed and of those behind it. */
  readonly unsent: readonly Delivery[];
}

/**
 * Posts deliveries to one connection, in order and one post at a time. Stops at the first failure.
 */
export async function post(
  context: Context,
  key: ClientKey,
  route: Route,
  deliveries: readonly Delivery[],
): Promise<PostResult> {
  const { texts, tooLarge } = encodeDeliveries(deliveries, route, context.clock.nowMs());
  if (tooLarge.length > 0) noteDropped(context, key, 'client-packet-too-large', tooLarge);
  let outcome: PostResult['outcome'] = 'sent';
  let sent = 0;
  for (const { text } of texts) {
    outcome = await context.gateway.post(route.address, text);
    if (outcome !== 'sent') break;
    sent += 1;
  }
  if (outcome !== 'sent') context.log.count(outcome === 'gone' ? metrics.postsGone : metrics.postsFailed);
  const delivered = texts.slice(0, sent).flatMap((text) => text.deliveries);
  const unsent = texts.slice(sent).flatMap((text) => text.deliveries);
  if (context.traces.isTraced(key)) {
    noteDeliveries(context, key, 'posted', route, delivered);
    if (outcome !== 'sent') noteDeliveries(context, key, outcome, route, unsent);
  }
  context.log.count(metrics.messagesDelivered, delivered.length);
  context.usage.count(key.tenant, {
    messagesOut: delivered.length,
    bytesOut: delivered.reduce((sum, { message }) => sum + messageBytes(message), 0),
  });
  return { outcome, tooLarge, unsent };
}

function noteDeliveries(
  { traces }: Context,
  key: ClientKey,
  step: 'posted' | 'gone' | 'failed',
  { address: connection }: Route,
  deliveries: readonly Delivery[],
): void {
  for (const { message, qos, retain, dup, packetIdentifier } of deliveries)
    traces.note(key, step, {
      ...{ connection, topic: message.topic, qos, id: message.id },
      ...(packetIdentifier === undefined ? {} : { packetId: packetIdentifier }),
      ...(retain ? { retain } : {}),
      ...(dup ? { dup } : {}),
    });
}

/**
 * Posts QoS 0 deliveries along a cached route, which may be stale. If its connection is gone, the
 * session row is read and the new connection gets those that were not sent. A second failure loses
 * them, and is noted; a client that has left meanwhile misses them as any offline client does.
 */
export async function postAtMostOnce(
  context: Context,
  key: ClientKey,
  route: Route,
  deliveries: readonly Delivery[],
): Promise<void> {
  const { outcome, unsent } = await post(context, key, route, deliveries);
  if (outcome === 'failed') noteDropped(context, key, 'client-unreachable', unsent);
  if (outcome !== 'gone') return;
  context.sessions.forgetRoute(key);
  const session = await context.sessions.get(key);
  if (session?.address === undefined || session.generation !== route.generation) return;
  if (session.address === route.address) {
    noteDropped(context, key, 'client-unreachable', unsent);
    await context.connectionLost(key, route.address);
    return;
  }
  const retried = await post(context, key, { ...session, address: session.address }, unsent);
  noteDropped(context, key, 'client-unreachable', retried.unsent);
  if (retried.outcome === 'gone') await context.connectionLost(key, session.address);
}

/** Whether the message has expired and must not be delivered. [MQTT-3.3.2-5 v5] */
export function isExpired(message: Message, nowMs: number): boolean {
  return message.expiresAtMs !== undefined && message.expiresAtMs <= nowMs;
}

/**
 * Names a chunked packet: 8 random characters `0-9a-f`, unique enough among all senders to one
 * connection.
 */
export function chunkId(): string {
  return randomBytes(4).toString('hex');
}

interface EncodedText {
  readonly text: string;
  /** Complete with this text: of a chunked packet, with its last chunk. */
  readonly deliveries: readonly Delivery[];
}

/**
 * Encodes deliveries as text messages of the wire profile, in order, up to 24,000 raw bytes each.
 *
 * A topic that repeats within one text is sent once and by alias afterwards, if the client accepts
 * aliases. Aliases are never used across texts: several senders post to one connection in any
 * order, and none knows the aliases of another. [MQTT-3.1.2-25 v5, MQTT-3.1.2-26 v5,
 * MQTT-3.1.2-27 v5, MQTT-3.3.2-11 v5]
 */
function encodeDeliveries(
  deliveries: readonly Delivery[],
  route: Route,
  nowMs: number,
): { readonly texts: EncodedText[]; readonly tooLarge: Delivery[] } {
  const texts: EncodedText[] = [];
  const tooLarge: Delivery[] = [];
  const aliases = new TopicAliases(route, deliveries);
  let batch: Uint8Array[] = [];
  let batched: Delivery[] = [];
  let batchBytes = 0;

  function flush(): void {
    if (batch.length > 0) texts.push({ text: encodePackets(concatBytes(batch)), deliveries: batched });
    batch = [];
    batched = [];
    batchBytes = 0;
    aliases.reset();
  }

  for (const delivery of deliveries) {
    let packet = encodeDelivery(delivery, route, nowMs, aliases.of(delivery.message.topic));
    if (batchBytes + packet.length > maxFrameBytes) {
      flush();
      packet = encodeDelivery(delivery, route, nowMs, aliases.of(delivery.message.topic));
    }
    if (route.clientMaxPacketBytes !== undefined && packet.length > route.clientMaxPacketBytes) {
      tooLarge.push(delivery);
      continue;
    }
    if (packet.length > maxFrameBytes) {
      const chunks = encodeChunks(chunkId(), encodeDelivery(delivery, route, nowMs));
      const last = chunks.length - 1;
      texts.push(...chunks.map((text, index) => ({ text, deliveries: index === last ? [delivery] : [] })));
      continue;
    }
    aliases.sent(delivery.message.topic);
    batch.push(packet);
    batched.push(delivery);
    batchBytes += packet.length;
  }
  flush();
  return { texts, tooLarge };
}

interface TopicAlias {
  readonly number: number;
  /** An earlier packet of the text has set the alias, so this one leaves the topic out. */
  readonly topicKnown: boolean;
}

/** Topic aliases within one text. */
class TopicAliases {
  readonly #maximum: number;
  readonly #repeated: ReadonlySet<string>;
  #sent = new Map<string, number>();

  constructor(route: Route, deliveries: readonly Delivery[]) {
    this.#maximum = route.clientTopicAliasMaximum;
    this.#repeated = this.#maximum === 0 ? new Set() : repeatedTopics(deliveries);
  }

  of(topic: string): TopicAlias | undefined {
    const known = this.#sent.get(topic);
    if (known !== undefined) return { number: known, topicKnown: true };
    if (!this.#repeated.has(topic) || this.#sent.size >= this.#maximum) return undefined;
    return { number: this.#sent.size + 1, topicKnown: false };
  }

  sent(topic: string): void {
    const alias = this.of(topic);
    if (alias !== undefined) this.#sent.set(topic, alias.number);
  }

  reset(): void {
    this.#sent = new Map();
  }
}

function repeatedTopics(deliveries: readonly Delivery[]): Set<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { message } of deliveries) {
    if (seen.has(message.topic)) repeated.add(message.topic);
    seen.add(message.topic);
  }
  return repeated;
}

/** PUBLISH packets that many subscribers get alike, by message and by {@link formOf}. */
const encodedAlike = new WeakMap<Message, Uint8Array[]>();

/** Encodes the PUBLISH, once for all subscribers that get the same bytes. */
function encodeDelivery(delivery: Delivery, route: Route, nowMs: number, alias?: TopicAlias): Uint8Array {
  const { message, qos, retain, subscriptionIdentifiers } = delivery;
  const isAlike =
    qos === 0 &&
    alias === undefined &&
    subscriptionIdentifiers.length === 0 &&
    message.expiresAtMs === undefined;
  if (!isAlike) return encodePublish(delivery, route, nowMs, alias);
  const form = formOf(route.protocolVersion, retain);
  let byForm = encodedAlike.get(message);
  if (byForm === undefined) {
    byForm = [];
    encodedAlike.set(message, byForm);
  }
  const packet = byForm[form] ?? encodePublish(delivery, route, nowMs);
  byForm[form] = packet;
  return packet;
}

/** Only 5.0 differs, by its properties. */
function formOf(protocolVersion: Route['protocolVersion'], retain: boolean): number {
  return (protocolVersion === 5 ? 2 : 0) + (retain ? 1 : 0);
}

/** The PUBLISH in the client's protocol version; only 5.0 has properties. */
function encodePublish(delivery: Delivery, route: Route, nowMs: number, alias?: TopicAlias): Uint8Array {
  const { message } = delivery;
  const packet: PublishPacket = {
    cmd: 'publish',
    topic: alias?.topicKnown === true ? '' : message.topic,
    payload: Buffer.from(message.payload.buffer, message.payload.byteOffset, message.payload.byteLength),
    qos: delivery.qos,
    retain: delivery.retain,
    dup: delivery.dup,
    ...(delivery.packetIdentifier === undefined ? {} : { messageId: delivery.packetIdentifier }),
    ...(route.protocolVersion === 5 ? { properties: propertiesOf(delivery, nowMs, alias?.number) } : {}),
  };
  return encodePacket(packet, route.protocolVersion);
}

function propertiesOf(
  delivery: Delivery,
  nowMs: number,
  alias: number | undefined,
): NonNullable<PublishPacket['properties']> {
  const { properties, expiresAtMs } = delivery.message;
  const { correlationData, userProperties, ...plain } = properties;
  const identifiers = delivery.subscriptionIdentifiers;
  // The remaining expiry, not the one that was published. [MQTT-3.3.2-6 v5]
  const remainingSeconds =
    expiresAtMs === undefined ? undefined : Math.max(0, Math.ceil((expiresAtMs - nowMs) / 1000));
  return {
    ...plain,
    ...(correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData) }),
    ...(userProperties === undefined ? {} : { userProperties: [...userProperties] }),
    ...(remainingSeconds === undefined ? {} : { messageExpiryInterval: remainingSeconds }),
    ...(identifiers.length === 0 ? {} : { subscriptionIdentifier: [...identifiers] }),
    ...(alias === undefined ? {} : { topicAlias: alias }),
  };
}
