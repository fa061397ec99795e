/** Answers of the admin API as pages use them; docs/openapi.json is complete. */

export interface TenantSummary {
  readonly name: string;
  readonly status: TenantStatus;
  readonly createdAt: string;
}

export type TenantStatus = 'active' | 'suspended' | 'deleting';

export interface Tenant extends TenantSummary {
  readonly issuers: readonly Issuer[];
  readonly quotas: Readonly<Record<string, number>>;
}

export interface Issuer {
  readonly id: string;
  readonly iss?: string;
  readonly audience?: string | readonly string[];
  readonly keys: { readonly kind: string; readonly url?: string; readonly keys?: readonly unknown[] };
}

/** Current values of a tenant. */
export interface Gauges {
  readonly connections: number;
  readonly retainedMessages: number;
  readonly retainedBytes: number;
}

/** Counters of one hour or minute. */
export interface UsageCounts {
  readonly messagesIn: number;
  readonly bytesIn: number;
  readonly messagesOut: number;
  readonly bytesOut: number;
  readonly connects: number;
  readonly connectionMs: number;
  readonly packetsIn: number;
  readonly deliveries: number;
  readonly ruleDeliveries: number;
  readonly ruleFailures: number;
  readonly storedBytes: number;
}

export interface UsageHour extends UsageCounts {
  /** `2026-11-21T06`, UTC. */
  readonly hour: string;
  /** Refusals by code. */
  readonly refusals: Readonly<Record<string, number>>;
}

export interface UsageMinute extends Pick<UsageCounts, 'messagesIn' | 'messagesOut'> {
  /** `2026-11-21T06:05`, UTC. */
  readonly minute: string;
  /** Refusals, whatever their code. */
  readonly refusals: number;
}

export type Usage = { readonly now: Gauges } & (
  | { readonly hours: readonly UsageHour[] }
  | { readonly minutes: readonly UsageMinute[] }
);

/** What the console's server tells of itself and of the service. */
export interface About {
  /** "this machine", "stack Wisp" */
  readonly label: string;
  readonly isLocal: boolean;
  readonly version: string;
  readonly adminUrl: string;
  /** URL of the WebSocket API, for MQTT clients in the page. */
  readonly mqttUrl?: string;
  readonly publishUrl?: string;
  /** Tenants whose private key is on the operator's machine: for them it mints tokens. */
  readonly mintable: readonly string[];
  /** Settings by name, each with its unit in the name. */
  readonly limits: Readonly<Record<string, number>>;
  /** Names of all quotas that a tenant may have. */
  readonly quotas: readonly string[];
  readonly defaultQuotas: Readonly<Record<string, number>>;
}
