import { type Signal, signal } from '@preact/signals';
import type { IClientOptions, IClientPublishOptions, IPublishPacket, MqttClient } from 'mqtt';
import { connectMqtt, type Login } from './connect.ts';
import { LiveList } from './live-list.ts';
import { onNextFrame } from './next-frame.ts';
import { connected } from './observe.ts';
import { base64 } from './payload.ts';
import { Rate } from './rate.ts';

/** A message as a live view keeps it. */
export interface LiveMessage {
  readonly number: number;
  readonly atMs: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: number;
  readonly retain: boolean;
  readonly dup: boolean;
  /** Names of MQTT 5.0 and their values, as text. */
  readonly properties: readonly (readonly [name: string, value: string])[];
}

export interface LiveSubscription {
  readonly filter: string;
  readonly qos: 0 | 1 | 2;
}

/** A connection that the operator has opened in this page. It lives until the page is left. */
export class LiveConnection {
  readonly clientId: string;
  readonly protocol: '5.0' | '3.1.1';
  /** Whether it may only subscribe. */
  readonly isObserver: boolean;
  readonly state: Signal<'connecting' | 'connected' | 'closed'> = signal('connecting');
  /** Why it has ended, where the service has said so. */
  readonly reason: Signal<string | undefined> = signal(undefined);
  readonly subscriptions: Signal<readonly LiveSubscription[]> = signal([]);
  readonly live = new LiveList<LiveMessage>(onNextFrame);
  readonly rate = new Rate();
  readonly #client: MqttClient;
  #count = 0;

  /** @param endLooking ends the observer as whom it looks, once the connection is closed */
  constructor(login: Login, options: IClientOptions, endLooking?: () => Promise<void>) {
    this.clientId = login.clientId;
    this.protocol = options.protocolVersion === 4 ? '3.1.1' : '5.0';
    this.isObserver = endLooking !== undefined;
    this.#client = connectMqtt(login, options);
    this.#client.on('message', (topic, payload, packet) => this.#onMessage(topic, payload, packet));
    this.#client.on('error', ({ message }) => {
      this.reason.value = message;
    });
    this.#client.on('disconnect', ({ reasonCode = 0, properties }) => {
      const code = `0x${reasonCode.toString(16).padStart(2, '0').toUpperCase()}`;
      this.reason.value = `DISCONNECT ${code} ${properties?.reasonString ?? ''}`.trim();
    });
    this.#client.on('close', () => {
      this.state.value = 'closed';
      void endLooking?.();
    });
  }

  /** Resolves with CONNACK. @throws Error with the reason of the service */
  async opened(): Promise<void> {
    await connected(this.#client);
    this.state.value = 'connected';
  }

  async subscribe(filter: string, options: { qos: 0 | 1 | 2; nl?: boolean; rap?: boolean }): Promise<void> {
    const [granted] = await this.#client.subscribeAsync(filter, options);
    const qos = (granted?.qos ?? options.qos) as number;
    if (qos >= 0x80) throw new Error(`SUBACK 0x${qos.toString(16).toUpperCase()}`);
    const others = this.subscriptions.value.filter((one) => one.filter !== filter);
    this.subscriptions.value = [...others, { filter, qos: qos as 0 | 1 | 2 }];
  }

  async unsubscribe(filter: string): Promise<void> {
    await this.#client.unsubscribeAsync(filter);
    this.subscriptions.value = this.subscriptions.value.filter((one) => one.filter !== filter);
  }

  /** Resolves with PUBACK or PUBCOMP. @throws Error with the reason of the service */
  async publish(topic: string, payload: Uint8Array, options: IClientPublishOptions): Promise<void> {
    await this.#client.publishAsync(topic, Buffer.from(payload), options);
  }

  async close(): Promise<void> {
    await this.#client.endAsync();
    this.state.value = 'closed';
  }

  #onMessage(topic: string, payload: Uint8Array, packet: IPublishPacket): void {
    const atMs = Date.now();
    this.#count += 1;
    this.rate.count(atMs);
    const { qos, retain, dup } = packet;
    this.live.add({
      number: this.#count,
      atMs,
      topic,
      payload,
      qos,
      retain,
      dup,
      properties: propertiesOf(packet),
    });
  }
}

function propertiesOf({ properties = {} }: IPublishPacket): (readonly [string, string])[] {
  const { userProperties = {}, correlationData, ...others } = properties;
  return [
    ...Object.entries(others).map(([name, value]) => [name, String(value)] as const),
    ...(correlationData === undefined ? [] : [['correlationData', base64(correlationData)] as const]),
    ...Object.entries(userProperties).flatMap(([name, values]) =>
      [values].flat().map((value) => [`user property ${name}`, value] as const),
    ),
  ];
}
