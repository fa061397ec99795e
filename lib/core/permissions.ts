import type { ClientQuotas } from './quotas.ts';
import type { TenantId } from './tenant-id.ts';

/**
 * One rule of a client's permissions. `filter` is an MQTT topic filter in which every placeholder has been
 * replaced already; `exact` compares it as a plain string instead (EMQX's `eq` prefix).
 */
export interface PermissionRule {
  readonly effect: 'allow' | 'deny';
  readonly action: 'publish' | 'subscribe' | 'all';
  readonly filter: string;
  readonly exact?: boolean;
  /** Quality-of-service levels that the rule speaks of; absent: all. */
  readonly qos?: readonly number[];
  /** Retain flag that the rule speaks of (publish only); absent: both. */
  readonly retain?: boolean;
}

/** Rules in order; the first that matches decides, and where none matches the answer is no. */
export type Permissions = readonly PermissionRule[];

/** What a verified token says of a client before its client id is known. */
export interface Identity {
  readonly tenant: TenantId;
  /** `sub` claim. */
  readonly subject?: string;
  /** `username` claim: what `${username}` stands for. */
  readonly username?: string;
  /** Client id that the token demands, if it does. */
  readonly clientId?: string;
  /** `exp`: seconds since 1970; absent: does not expire. */
  readonly expiresAtSeconds?: number;
  /** `jti`: what the token may be revoked by. */
  readonly tokenId?: string;
  /** `iat`: seconds since 1970; a token without it counts as issued before every revocation. */
  readonly issuedAtSeconds?: number;
  /** What the token narrows of the tenant's quotas. */
  readonly quotas?: ClientQuotas;
  /** Rules whose filters may still hold `${clientId}` and other placeholders. */
  readonly grants: Permissions;
}
