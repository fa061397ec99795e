import { Buffer } from 'node:buffer';
import type { Message, Qos, UserProperties } from '../core/model.ts';
import type { RuleRecord } from '../core/rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { ruleLimits } from './limits.ts';

/** A published message as event patterns, templates and envelopes see it (docs/rules.md). */
export interface RuleEvent {
  /** Id of the message; the same in every attempt to deliver it. */
  readonly id: string;
  readonly tenant: TenantId;
  readonly topic: string;
  readonly levels: readonly string[];
  /** When the message was published: ISO 8601, UTC, with milliseconds. */
  readonly time: string;
  /** The publisher; absent: no client published it. */
  readonly clientId?: string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly properties: RuleEventProperties;
  /** The payload as JSON; absent: it is not JSON, too large or too deep. */
  readonly payload?: unknown;
}

export interface RuleEventProperties {
  readonly contentType?: string;
  readonly responseTopic?: string;
  /** Base64. */
  readonly correlationData?: string;
  readonly payloadFormatIndicator?: boolean;
  /** User properties; a name that occurs several times has a list. */
  readonly user: Readonly<Record<string, string | readonly string[]>>;
}

/**
 * The event of a record. On the publish path, where a record does not exist yet, its first three
 * members are enough: make one event for all rules of a message.
 */
export function ruleEventOf(record: Pick<RuleRecord, 'tenant' | 'message' | 'publishedAtMs'>): RuleEvent {
  return new PublishedEvent(record);
}

/** Makes what costs time when it is asked for, and parses the payload once. */
class PublishedEvent implements RuleEvent {
  readonly id: string;
  readonly tenant: TenantId;
  readonly topic: string;
  readonly qos: Qos;
  readonly retain: boolean;
  declare readonly clientId?: string;
  readonly #message: Message;
  readonly #publishedAtMs: number;
  #isParsed = false;
  #payload: unknown;

  constructor({ tenant, message, publishedAtMs }: Pick<RuleRecord, 'tenant' | 'message' | 'publishedAtMs'>) {
    this.id = message.id;
    this.tenant = tenant;
    this.topic = message.topic;
    this.qos = message.qos;
    this.retain = message.retain;
    if (message.publisher !== undefined) this.clientId = message.publisher;
    this.#message = message;
    this.#publishedAtMs = publishedAtMs;
  }

  get levels(): readonly string[] {
    return this.topic.split('/');
  }

  get time(): string {
    return new Date(this.#publishedAtMs).toISOString();
  }

  get properties(): RuleEventProperties {
    return propertiesOf(this.#message);
  }

  get payload(): unknown {
    if (!this.#isParsed) this.#payload = jsonOf(this.#message.payload);
    this.#isParsed = true;
    return this.#payload;
  }
}

function propertiesOf({ properties }: Message): RuleEventProperties {
  const { contentType, responseTopic, correlationData, payloadFormatIndicator, userProperties } = properties;
  return {
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined
      ? {}
      : { correlationData: Buffer.from(correlationData).toString('base64') }),
    ...(payloadFormatIndicator === undefined ? {} : { payloadFormatIndicator }),
    user: userOf(userProperties ?? []),
  };
}

function userOf(pairs: UserProperties): RuleEventProperties['user'] {
  // Without a prototype, because a client chooses the names.
  const user = Object.create(null) as Record<string, string | string[]>;
  for (const [name, value] of pairs) {
    const known = user[name];
    if (known === undefined) user[name] = value;
    else if (typeof known === 'string') user[name] = [known, value];
    else known.push(value);
  }
  return user;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The bytes as text, without a byte order mark; undefined: they are not UTF-8. */
export function utf8Of(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function jsonOf(payload: Uint8Array): unknown {
  if (payload.length > ruleLimits.maxJsonPayloadBytes || !mayBeJson(payload)) return undefined;
  const text = utf8Of(payload);
  if (text === undefined) return undefined;
  try {
    const json: unknown = JSON.parse(text);
    return isDeeperThan(ruleLimits.maxJsonLevels, json) ? undefined : json;
  } catch {
    return undefined;
  }
}

/** Spares most payloads that are not JSON the price of an exception. */
function mayBeJson(payload: Uint8Array): boolean {
  let at = 0;
  while (at < payload.length && ' \t\r\n'.includes(String.fromCharCode(payload[at] ?? 0))) at++;
  const first = payload[at];
  return first !== undefined && (first === 0xef || '{["-0123456789tfn'.includes(String.fromCharCode(first)));
}

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  return (Array.isArray(value) ? value : Object.values(value)).some((item) => isDeeperThan(levels - 1, item));
}
