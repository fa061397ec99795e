import { randomBytes } from 'node:crypto';
import type { Route } from '../core/model.ts';
import { concatBytes, encodeChunks, encodePackets, maxFrameBytes } from '../wire/index.ts';
import { type Delivery, encodeDelivery } from './publish-packet.ts';

/** Deliveries to one client as text messages of the wire profile, in order. */
export interface Texts {
  readonly texts: string[];
  /** Those larger than the client takes: dropped as if delivered [MQTT-3.1.2-25 v5]. */
  readonly tooLarge: Delivery[];
}

/**
 * Batches up to 24,000 raw bytes per text. A topic that repeats within one text is sent once and by alias from then
 * on, where the client takes aliases. Aliases never reach beyond their text: several senders push to one
 * connection, in any order, and none of them knows what another has set. No alias is above what the client takes, and none is
 * set where it takes none [MQTT-3.1.2-26 v5, MQTT-3.1.2-27 v5, MQTT-3.3.2-11 v5].
 */
export function textsFor(deliveries: readonly Delivery[], route: Route, nowMs: number): Texts {
  const texts: string[] = [];
  const tooLarge: Delivery[] = [];
  const aliases = new Aliases(route, deliveries);
  let batch: Uint8Array[] = [];
  let batchBytes = 0;

  function flush(): void {
    if (batch.length > 0) texts.push(encodePackets(concatBytes(batch)));
    batch = [];
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
      texts.push(...encodeChunks(chunkId(), encodeDelivery(delivery, route, nowMs)));
      continue;
    }
    aliases.sent(delivery.message.topic);
    batch.push(packet);
    batchBytes += packet.length;
  }
  flush();
  return { texts, tooLarge };
}

/** Names a chunked packet among those of all senders to a connection: 8 random characters `0-9a-f`. */
export function chunkId(): string {
  return randomBytes(4).toString('hex');
}

/** Topic aliases within one text. */
class Aliases {
  readonly #maximum: number;
  readonly #repeated: ReadonlySet<string>;
  #sent = new Map<string, number>();

  constructor(route: Route, deliveries: readonly Delivery[]) {
    this.#maximum = route.clientTopicAliasMaximum;
    this.#repeated = this.#maximum === 0 ? new Set() : repeatedTopics(deliveries);
  }

  of(topic: string): { number: number; topicKnown: boolean } | undefined {
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
