import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import {
  isTenantName,
  type TenantAdmin,
  type TenantConfig,
  tenantConfigFormatVersion,
  wispAudience,
  wispIssuer,
} from '../../auth/index.ts';
import type { TenantQuotas } from '../../core/quotas.ts';
import { reasonMessage } from '../../core/reasons.ts';
import { deleteSigningKey, keyPath, readSigningKey, type SigningKey, writeSigningKey } from './key-file.ts';
import { UserError } from './user-error.ts';

export interface CreateTenantOptions {
  readonly admin: Pick<TenantAdmin, 'create' | 'show'>;
  /** 1 to 63 characters of a-z, 0-9 and "-". */
  readonly name: string;
  /** The private key is written there as `NAME.jwk`. */
  readonly keyDirectory: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /**
   * Whether to use an existing key file. For a service in memory, whose tenants end with the
   * process while the key files stay. Default false: an existing file is an error.
   */
  readonly reuseKey?: boolean;
  /** Default: none, so that the service's defaults hold. */
  readonly quotas?: TenantQuotas;
}

export interface CreatedTenant {
  readonly config: TenantConfig;
  readonly key: SigningKey;
  readonly keyPath: string;
  readonly keyReused: boolean;
}

/**
 * Creates a tenant with a new ES256 key pair. The public key goes into the tenant's configuration,
 * the private key only into a file. The file is written first: a crash may leave a key without a
 * tenant, never a tenant without a key.
 *
 * @throws UserError `tenant-name`, `tenant-exists`, `key-exists`, `key-malformed`
 */
export async function createTenantWithKey(options: CreateTenantOptions): Promise<CreatedTenant> {
  const { admin, name, nowMs } = options;
  if (!isTenantName(name)) {
    throw new UserError('tenant-name', reasonMessage('tenant-name'));
  }
  if ((await admin.show(name)) !== undefined) throw tenantExists(name);

  const path = keyPath(options.keyDirectory, name);
  const existing = options.reuseKey === true ? await readSigningKey(path) : undefined;
  const key = existing ?? (await generateSigningKey());
  if (existing === undefined) await writeSigningKey(path, key);

  const config = {
    ...configFor(name, key, nowMs),
    ...(options.quotas === undefined ? {} : { quotas: options.quotas }),
  };
  try {
    // Another process may have created it since `show`; the conditional write decides.
    if (!(await admin.create(name, config))) throw tenantExists(name);
  } catch (error) {
    if (existing === undefined) await deleteSigningKey(path);
    throw error;
  }
  return { config, key, keyPath: path, keyReused: existing !== undefined };
}

async function generateSigningKey(): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const { x, y, d } = await exportJWK(privateKey);
  if (x === undefined || y === undefined || d === undefined) throw new Error('not a P-256 key');
  const publicKey = { kty: 'EC', crv: 'P-256', x, y } as const;
  return { ...publicKey, d, kid: await calculateJwkThumbprint(publicKey) };
}

function configFor(name: string, { kty, crv, x, y, kid }: SigningKey, nowMs: number): TenantConfig {
  return {
    formatVersion: tenantConfigFormatVersion,
    status: 'active',
    createdAtMs: nowMs,
    issuers: [
      {
        iss: wispIssuer(name),
        audience: wispAudience,
        keys: { kind: 'inline', keys: [{ kty, crv, x, y, kid }] },
      },
    ],
  };
}

function tenantExists(name: string): UserError {
  return new UserError('tenant-exists', `tenant ${name} already exists`);
}
