import type { ClientQuotas } from './quotas.ts';
import type { TenantId } from './tenant-id.ts';

/**
 * One rule of a client's permissions. `filter` is an MQTT topic filter without placeholders;
 * `exact` compares it as a plain string (EMQX's `eq` prefix).
 */
export interface PermissionRule {
  readonly effect: 'allow' | 'deny';
  readonly action: 'publish' | 'subscribe' | 'all';
  readonly filter: string;
  readonly exact?: boolean;
  /** Whether the rule says nothing of shared subscriptions (`$share/name/filter`). */
  readonly unshared?: true;
  /** QoS levels to which the rule applies; absent: all. */
  readonly qos?: readonly number[];
  /** Retain flag to which the rule applies (publish only); absent: both. */
  readonly retain?: boolean;
}

/** Rules in order: the first match decides, and no match denies. */
export type Permissions = readonly PermissionRule[];

/** The content of a verified token, before the client id is known. */
export interface Identity {
  readonly tenant: TenantId;
  /** `sub` claim. */
  readonly subject?: string;
  /** `username` claim: the value of `${username}`. */
  readonly username?: string;
  /** The client id that the token requires; absent: any. */
  readonly clientId?: string;
  /** `exp` in seconds since 1970; absent: the token does not expire. */
  readonly expiresAtSeconds?: number;
  /** `jti`, by which the token may be revoked. */
  readonly tokenId?: string;
  /** `iat` in seconds since 1970; a token without it counts as issued before every revocation. */
  readonly issuedAtSeconds?: number;
  /** Quotas of the token, which narrow the tenant's. */
  readonly quotas?: ClientQuotas;
  /** Whether the bearer may have rules of its own, with webhooks as targets. */
  readonly ownRules?: true;
  /** `iss` of the issuer's configuration, where {@link ownRules} is set; empty: it has none. */
  readonly issuer?: string;
  /**
   * Whether it is an operator's temporary session (lib/auth/observer.ts): the tenant's quota of
   * connections does not refuse it, and its filters hold no placeholders.
   */
  readonly isObserver?: true;
  /** Rules whose filters may contain `${clientId}` and other placeholders. */
  readonly grants: Permissions;
}
