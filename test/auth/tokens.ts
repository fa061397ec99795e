import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import type { IssuerConfig } from '../../lib/auth/issuer-config.ts';
import { parsePublicJwk } from '../../lib/auth/public-jwk.ts';
import type { TenantConfig, TenantLookup } from '../../lib/auth/tenant-config.ts';

/** The time of all tests in this folder. */
export const nowSeconds = 1_800_000_000;

export interface Signer {
  readonly alg: string;
  readonly kid?: string;
  readonly key: CryptoKey | Uint8Array;
  readonly keys: IssuerConfig['keys'];
}

export async function keyPair(alg: 'ES256' | 'RS256' | 'EdDSA', kid?: string): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const parsed = parsePublicJwk({ ...(await exportJWK(publicKey)), ...(kid === undefined ? {} : { kid }) });
  if ('flaw' in parsed) throw new Error(parsed.flaw);
  return {
    alg,
    key: privateKey,
    keys: { kind: 'inline', keys: [parsed.jwk] },
    ...(kid === undefined ? {} : { kid }),
  };
}

export function sharedSecret(fill = 7, bytes = 32): Signer {
  const key = new Uint8Array(bytes).fill(fill);
  return {
    alg: 'HS256',
    key,
    keys: { kind: 'secret', secret: Buffer.from(key).toString('base64url') },
  };
}

/**
 * Signs claims. Given claims replace the defaults (`exp` in an hour); undefined leaves a claim out.
 */
export function sign(
  signer: Pick<Signer, 'alg' | 'key' | 'kid'>,
  claims: Readonly<Record<string, unknown>> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const payload: JWTPayload = { iss: 'wisp:acme', aud: 'wisp', exp: nowSeconds + 3_600, ...claims };
  return new SignJWT(payload)
    .setProtectedHeader({ alg: signer.alg, ...(signer.kid ? { kid: signer.kid } : {}), ...header })
    .sign(signer.key);
}

/** A token of raw parts; `signature` is taken as it is. */
export function assemble(header: string | object, payload: string | object, signature = 'AAAA'): string {
  const part = (value: string | object) =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(payload)}.${signature}`;
}

export function tenant(
  issuers: readonly IssuerConfig[],
  status: TenantConfig['status'] = 'active',
): TenantConfig {
  return { formatVersion: 1, status, issuers, createdAtMs: 0 };
}

export function lookup(tenants: Readonly<Record<string, TenantConfig>>): TenantLookup & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    load: async (name) => {
      asked.push(name);
      return Object.hasOwn(tenants, name) ? tenants[name] : undefined;
    },
  };
}
