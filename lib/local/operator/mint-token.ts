import { randomUUID } from 'node:crypto';
import { importJWK, SignJWT } from 'jose';
import { maxTokenBytes, wispAudience, wispIssuer } from '../../auth/index.ts';
import { isTopicError, parseFilter } from '../../topics/index.ts';
import type { SigningKey } from './key-file.ts';
import { UserError } from './user-error.ts';

export interface MintTokenOptions {
  readonly tenant: string;
  readonly key: SigningKey;
  /** The only client id that may use the token. It becomes `sub` too. Default: any client id. */
  readonly clientId?: string;
  /** Topic filters to publish to. May hold `${clientId}`, `${sub}` and `${tenant}`. */
  readonly publish?: readonly string[];
  /** Topic filters to subscribe to, with the same placeholders. */
  readonly subscribe?: readonly string[];
  /** Lets the bearer have rules of its own, with webhooks as targets. */
  readonly rules?: true;
  readonly ttlSeconds: number;
  /** Seconds since 1970. */
  readonly nowSeconds: number;
}

/**
 * Signs a JWT (ES256) for a tenant of `createTenantWithKey`, with `iss` `wisp:TENANT`, `aud` `wisp`
 * and the claim `mqtt`. Without filters it allows all topics of the tenant that do not begin with
 * `$`.
 *
 * @throws UserError `usage`, `token-too-large`, or the code of a malformed filter
 */
export async function mintToken(options: MintTokenOptions): Promise<string> {
  const { tenant, key, clientId, publish = [], subscribe = [], ttlSeconds, nowSeconds } = options;
  for (const filter of [...publish, ...subscribe]) checkFilter(filter);
  if (clientId === '') throw new UserError('usage', 'a client id has at least one character');
  const everything = publish.length === 0 && subscribe.length === 0;

  const token = await new SignJWT({
    mqtt: {
      ...(clientId === undefined ? {} : { clientId }),
      publish: everything ? ['#'] : publish,
      subscribe: everything ? ['#'] : subscribe,
      ...(options.rules === true ? { rules: true } : {}),
    },
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: key.kid })
    .setIssuer(wispIssuer(tenant))
    .setAudience(wispAudience)
    .setSubject(clientId ?? tenant)
    .setJti(randomUUID())
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + ttlSeconds)
    .sign(await importJWK({ ...key }, 'ES256'));
  if (token.length > maxTokenBytes) {
    throw new UserError(
      'token-too-large',
      `the token is larger than ${maxTokenBytes} bytes; use fewer filters`,
    );
  }
  return token;
}

function checkFilter(filter: string): void {
  const parsed = parseFilter(filter);
  if (isTopicError(parsed)) throw new UserError(parsed.code, `filter "${filter}": ${parsed.message}`);
  if (parsed.shareName !== undefined) {
    throw new UserError(
      'usage',
      `filter "${filter}": leave out "$share/name/"; permissions apply to the filter behind it`,
    );
  }
}
