import type { ISubscriptionMap, MqttClient } from 'mqtt';
// Not by the index, whose other files would be part of the bundle.
import { matches } from '../../topics/match.ts';
import { messageOf, type Qos, type WispMessage } from './message.ts';

/**
 * Topics of one filter whose latest message is kept, so that a hook that mounts later knows them
 * without a second SUBSCRIBE. Beyond it the topic without news for longest is dropped: a page that
 * subscribes to `#` must not grow without end.
 */
const maxLatestTopics = 1_000;

const refusal = 0x80;

/** SUBACK as MQTT.js gives it. */
interface Suback {
  readonly granted: readonly unknown[];
}

/** A mounted hook. */
interface Holder {
  readonly qos: Qos;
  onMessage(message: WispMessage): void;
}

/** One filter, however many hooks hold it. */
interface HeldFilter {
  readonly filter: string;
  readonly holders: Set<Holder>;
  /** Of the last SUBSCRIBE; undefined if the service does not know the filter. */
  askedQos: Qos | undefined;
  /** Asked again at the next connection only, perhaps with another token. */
  isRefused: boolean;
  /** Whether MQTT.js leaves it out when it subscribes again. */
  isForgotten: boolean;
  /** By topic, the oldest first. */
  readonly latest: Map<string, WispMessage>;
  /** Copy of `latest` for React; undefined after a change. */
  snapshot: ReadonlyMap<string, WispMessage> | undefined;
}

export const noMessages: ReadonlyMap<string, WispMessage> = new Map();

const known = new WeakMap<MqttClient, HeldFilters>();

/** The one set of filters of a client, however many providers it has. */
export function heldFiltersOf(client: MqttClient): HeldFilters {
  const filters = known.get(client) ?? new HeldFilters(client);
  known.set(client, filters);
  return filters;
}

/**
 * The filters that mounted hooks hold. One SUBSCRIBE carries all filters that a commit of React
 * adds, and one UNSUBSCRIBE those whose last hook is gone. Both wait until the commit has ended:
 * StrictMode and a change of page let a filter go and take it again, which sends nothing.
 *
 * MQTT.js subscribes again after a reconnect. Packets that a lost connection took along, and
 * filters that the service refused, are sent again here at the next connection.
 */
export class HeldFilters {
  readonly client: MqttClient;
  readonly #held = new Map<string, HeldFilter>();
  #isDue = false;

  constructor(client: MqttClient) {
    this.client = client;
    client.on('message', (topic, payload, packet) => this.#receive(messageOf(topic, payload, packet)));
    client.on('connect', ({ sessionPresent }) => this.#connected(sessionPresent));
  }

  /** @returns lets the filter go */
  hold(filter: string, holder: Holder): () => void {
    const held = this.#held.get(filter) ?? this.#add(filter, undefined);
    held.holders.add(holder);
    this.#settleSoon();
    return () => {
      held.holders.delete(holder);
      this.#settleSoon();
    };
  }

  /** The last message of each topic, the newest last. The same object until a message arrives. */
  latest(filter: string): ReadonlyMap<string, WispMessage> {
    const held = this.#held.get(filter);
    if (held === undefined) return noMessages;
    held.snapshot ??= new Map(held.latest);
    return held.snapshot;
  }

  #add(filter: string, askedQos: Qos | undefined): HeldFilter {
    const held = {
      filter,
      holders: new Set<Holder>(),
      askedQos,
      isRefused: false,
      isForgotten: askedQos !== undefined,
      latest: new Map<string, WispMessage>(),
      snapshot: undefined,
    };
    this.#held.set(filter, held);
    return held;
  }

  #receive(message: WispMessage): void {
    for (const held of this.#held.values()) {
      if (!matches(held.filter.replace(/^\$share\/[^/]*\//, ''), message.topic)) continue;
      remember(held, message);
      for (const holder of [...held.holders]) {
        try {
          holder.onMessage(message);
        } catch (error) {
          this.#report(error);
        }
      }
    }
  }

  #connected(sessionPresent: boolean): void {
    const { resubscribe, reconnectPeriod } = this.client.options;
    const subscribesAgain = resubscribe !== false && reconnectPeriod !== 0;
    for (const held of this.#held.values()) {
      if (!held.isRefused && (sessionPresent || (subscribesAgain && !held.isForgotten))) continue;
      held.askedQos = undefined;
      held.isRefused = false;
      held.isForgotten = false;
    }
    this.#settle();
  }

  #settleSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    void Promise.resolve().then(() => this.#settle());
  }

  /** Makes the service know what is held. Without a connection, `connect` does it later. */
  #settle(): void {
    this.#isDue = false;
    if (!this.client.connected) return;
    const wanted: HeldFilter[] = [];
    const unused: string[] = [];
    for (const held of this.#held.values()) {
      if (held.holders.size === 0) {
        this.#held.delete(held.filter);
        if (held.askedQos !== undefined && !held.isRefused) unused.push(held.filter);
      } else if (!held.isRefused && (held.askedQos ?? -1) < qosOf(held)) wanted.push(held);
    }
    if (unused.length > 0) this.#unsubscribe(unused);
    if (wanted.length > 0) this.#subscribe(wanted);
  }

  #subscribe(wanted: readonly HeldFilter[]): void {
    const map: ISubscriptionMap = {};
    for (const held of wanted) {
      held.askedQos = qosOf(held);
      map[held.filter] = { qos: held.askedQos };
    }
    // In the order of the packet: an object has keys such as `7` first.
    const asked = Object.keys(map).flatMap((filter) => this.#held.get(filter) ?? []);
    // MQTT.js otherwise leaves out what it has asked for on a lost connection.
    map.resubscribe = true;
    this.client.subscribe(map, (error, _granted, suback) => {
      if (error) this.#failed(asked, error, suback);
    });
  }

  #failed(asked: readonly HeldFilter[], error: Error, suback: Suback | undefined): void {
    if (suback === undefined && !this.client.connected) {
      for (const held of asked) held.askedQos = undefined;
    } else if (asked.length > 1 && suback?.granted.length !== asked.length) {
      // MQTT.js sends nothing if one filter is not valid. The others are.
      for (const held of asked) this.#subscribe([held]);
    } else {
      asked.forEach((held, index) => {
        held.isRefused = Number(suback?.granted[index] ?? refusal) >= refusal;
        // MQTT.js then forgets all filters of the packet.
        held.isForgotten = true;
        if (held.isRefused) this.#report(new Error(`${held.filter}: ${error.message}`));
      });
    }
  }

  #unsubscribe(filters: string[]): void {
    this.client.unsubscribe(filters, (error) => {
      if (!error) return;
      // The session may outlive the connection that ended.
      for (const filter of filters) if (!this.#held.has(filter)) this.#add(filter, 0);
    });
  }

  /** As `connect` does: without a listener an `error` event would throw. */
  #report(error: unknown): void {
    if (this.client.listenerCount('error') > 0) this.client.emit('error', error as Error);
    else console.error('wisp-mqtt-client:', error);
  }
}

function qosOf({ holders }: HeldFilter): Qos {
  return Math.max(...[...holders].map(({ qos }) => qos)) as Qos;
}

function remember(held: HeldFilter, message: WispMessage): void {
  const { latest } = held;
  latest.delete(message.topic);
  // An empty payload deletes a retained message.
  if (message.payload.length > 0) latest.set(message.topic, message);
  const [oldest] = latest.keys();
  if (latest.size > maxLatestTopics && oldest !== undefined) latest.delete(oldest);
  held.snapshot = undefined;
}
