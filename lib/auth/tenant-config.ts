import * as v from 'valibot';
import type { TenantStatus } from '../core/model.ts';
import { storedQuotasSchema, type TenantQuotas, tenantQuotasSchema } from '../core/quotas.ts';
import { closedObject, list, validate, wholeNumber } from '../core/validation.ts';
import { type IssuerConfig, issuerSchema } from './issuer-config.ts';
import { TenantConfigError } from './tenant-config-error.ts';

/**
 * Format version of stored tenant configurations; raised when an older release could misread a
 * newer one.
 */
export const tenantConfigFormatVersion = 1;

/** Issuers of one tenant. With the bounds of each, the stored row stays below DynamoDB's 400 KB. */
export const maxIssuers = 16;

const statuses = ['active', 'suspended', 'deleting'] as const satisfies readonly TenantStatus[];

/** The configuration of a tenant: part `meta` of its row in table Tenants. Plain JSON. */
export interface TenantConfig {
  readonly formatVersion: typeof tenantConfigFormatVersion;
  readonly status: TenantStatus;
  readonly issuers: readonly IssuerConfig[];
  /** Absent: only the limits of the service. */
  readonly quotas?: TenantQuotas;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
}

/** The store as token verification sees it. */
export interface TenantLookup {
  /**
   * The configuration of the tenant of that name, or undefined. `name` is unverified but a valid
   * tenant name. The result may be some seconds old.
   */
  load(name: string): Promise<TenantConfig | undefined>;
}

export interface TenantSummary {
  readonly name: string;
  readonly status: TenantStatus;
  readonly createdAtMs: number;
}

/** A configuration with its revision: the number of writes to it, 1 after the first. */
export interface VersionedTenantConfig {
  readonly config: TenantConfig;
  readonly revision: number;
}

/** The store as operators' tools see it. Not on any message path. */
export interface TenantAdmin {
  /**
   * Writes the tenant's `meta` and live rows. @returns false, without a change, if the tenant
   * exists.
   */
  create(name: string, config: TenantConfig): Promise<boolean>;
  /**
   * Tenants by name, ascending, after `after`; at most 100. Eventually consistent: a new tenant may
   * be missing.
   */
  list(after: string | undefined, limit: number): Promise<{ tenants: TenantSummary[]; more: boolean }>;
  /** Strongly consistent. */
  show(name: string): Promise<TenantConfig | undefined>;
  /** The configuration with the revision that {@link update} asks for. Strongly consistent. */
  read(name: string): Promise<VersionedTenantConfig | undefined>;
  /**
   * Writes a changed configuration, and its status to the rows of the message path.
   * @param expectedRevision revision of the configuration that was changed.
   * @returns false, without a change, if it was written or deleted in the meantime: read again.
   */
  update(name: string, expectedRevision: number, config: TenantConfig): Promise<boolean>;
  /**
   * Deletes the tenant's rows in table Tenants, so that no client can connect.
   * @returns whether it existed.
   */
  delete(name: string): Promise<boolean>;
}

function tenantConfigSchema(object: typeof v.strictObject) {
  return object({
    formatVersion: v.literal(
      tenantConfigFormatVersion,
      `${tenantConfigFormatVersion}, the only one that this release of Wisp knows`,
    ),
    status: v.picklist(statuses, '"active", "suspended" or "deleting"'),
    createdAtMs: wholeNumber(Number.MIN_SAFE_INTEGER),
    issuers: list(issuerSchema(object), 0, maxIssuers),
    quotas: v.exactOptional(storedQuotasSchema),
  } satisfies Readonly<Record<keyof TenantConfig, unknown>>);
}

/** An issuer as an operator gives it. */
export const newIssuerSchema = issuerSchema(v.strictObject);

/** A tenant as an operator gives it. */
export const newTenantSchema = closedObject({
  issuers: v.exactOptional(list(newIssuerSchema, 0, maxIssuers), []),
  quotas: v.exactOptional(tenantQuotasSchema),
});

const givenSchema = tenantConfigSchema(v.strictObject);
/**
 * The same members. Members of a newer release are left out, so that a rollback to this release
 * works.
 */
const storedSchema = tenantConfigSchema(v.object as unknown as typeof v.strictObject);

/**
 * Checks a configuration that an operator has given. Unknown members are refused: one of them may
 * be a misspelt restriction.
 * @throws TenantConfigError
 */
export function parseTenantConfig(value: unknown): TenantConfig {
  return validConfig(givenSchema, value);
}

/**
 * Checks a configuration that is read from the store, and leaves out unknown members.
 * @throws TenantConfigError
 */
export function readTenantConfig(value: unknown): TenantConfig {
  return validConfig(storedSchema, value);
}

function validConfig(schema: typeof givenSchema, value: unknown): TenantConfig {
  const result = validate(schema, value);
  if ('flaw' in result) throw new TenantConfigError(result.flaw);
  return result.value;
}
