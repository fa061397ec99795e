import type { X509Certificate } from 'node:crypto';
import { isTenantName } from '../auth/index.ts';
import { readSigningKey } from '../local/operator/key-file.ts';
import { mintToken } from '../local/operator/mint-token.ts';
import { exitCodes, UserError } from '../local/operator/user-error.ts';

/** The flags of `wisp bridge` and `wisp edge` about clients with a certificate. */
export interface DeviceFlags {
  readonly clientCa?: string;
  readonly deviceKey?: string;
  readonly map?: string;
  readonly tenant?: string;
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
}

/**
 * Makes the function that signs a token for a client's certificate: tenant and client id come from
 * the certificate's subject, permissions from the flags. The token never outlives the certificate.
 *
 * @param tokenSeconds its lifetime: as long as a connection may live, which ends with it
 * @returns undefined without `--device-key`: clients then send their own tokens
 * @throws UserError `usage`, or the code of a key file or filter that cannot be used
 */
export async function deviceTokens(
  flags: DeviceFlags,
  tokenSeconds: number,
): Promise<((certificate: X509Certificate) => Promise<string>) | undefined> {
  const { clientCa, deviceKey, map, tenant, publish = [], subscribe = [] } = flags;
  if (deviceKey === undefined) {
    if (map === undefined && tenant === undefined && publish.length + subscribe.length === 0)
      return undefined;
    throw usage('--map, --tenant, --publish and --subscribe are for --device-key');
  }
  if (clientCa === undefined) throw usage('--device-key needs certificates of clients: --client-ca');
  if (publish.length + subscribe.length === 0) {
    throw usage(
      "say what these clients may do, such as --publish 'devices/#' (docs/bridge.md has placeholders)",
    );
  }
  const attributes = parseMap(map ?? '', tenant);
  const key = await readSigningKey(deviceKey);
  if (key === undefined) throw new UserError('key-missing', `no private key at ${deviceKey}`);

  const sign = (name: string, clientId: string, ttlSeconds: number, nowSeconds: number) =>
    mintToken({ tenant: name, key, clientId, publish, subscribe, ttlSeconds, nowSeconds });
  // A malformed filter must show at the start, not at the first client.
  await sign(tenant ?? 'check', 'check', 1, 0);

  return async (certificate) => {
    const subject = certificate.toLegacyObject().subject as unknown as Record<string, unknown>;
    const clientId = attributeOf(subject, attributes.clientId);
    const name = attributes.tenant === undefined ? tenant : attributeOf(subject, attributes.tenant);
    if (name === undefined || !isTenantName(name)) throw new Error('NO_TENANT_NAME');
    const nowSeconds = Math.floor(Date.now() / 1000);
    const leftSeconds = Math.floor(Date.parse(certificate.validTo) / 1000) - nowSeconds;
    return sign(name, clientId, Math.min(tokenSeconds, leftSeconds), nowSeconds);
  };
}

/** Names of attributes of a subject. */
interface Attributes {
  readonly clientId: string;
  /** Undefined: `--tenant` names the tenant. */
  readonly tenant: string | undefined;
}

/** `O=tenant,CN=clientId` */
function parseMap(map: string, tenant: string | undefined): Attributes {
  const found = new Map<string, string>();
  for (const pair of map.split(',')) {
    const [, attribute, target] = /^\s*([A-Za-z]+)=(tenant|clientId)\s*$/.exec(pair) ?? [];
    if (attribute === undefined || target === undefined || found.has(target)) throw malformedMap();
    found.set(target, attribute);
  }
  const clientId = found.get('clientId');
  if (clientId === undefined || found.has('tenant') === (tenant !== undefined)) throw malformedMap();
  return { clientId, tenant: found.get('tenant') };
}

function malformedMap(): UserError {
  return usage("--map: attributes of the subject, 'O=tenant,CN=clientId', or 'CN=clientId' with --tenant");
}

/** An attribute that occurs twice could mean either value. */
function attributeOf(subject: Record<string, unknown>, name: string): string {
  const value = subject[name];
  if (typeof value !== 'string' || value === '') throw new Error(`SUBJECT_WITHOUT_ONE_${name}`);
  return value;
}

function usage(message: string): UserError {
  return new UserError('usage', message, { exitCode: exitCodes.usage });
}
