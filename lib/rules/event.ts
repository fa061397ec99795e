import type { Qos } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';

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
