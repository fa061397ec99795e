import { readFile } from 'node:fs/promises';
import { exitCodes, UserError } from '../local/operator/user-error.ts';

/** The flags of `wisp issuer add`. */
export interface IssuerOptions {
  readonly file?: string;
  readonly iss?: string;
  readonly audience?: readonly string[];
  readonly jwksUrl?: string;
  readonly jwksFile?: string;
  readonly pemFile?: string;
  readonly secretFile?: string;
  readonly secretArn?: string;
  readonly secretEncoding?: 'base64url' | 'utf8';
  readonly clockTolerance?: number;
  readonly maxTokenSeconds?: number;
  readonly clientIdClaim?: string;
  readonly usernameClaim?: string;
  readonly publishClaim?: string;
  readonly subscribeClaim?: string;
  readonly tenantClaim?: string;
  readonly require?: readonly string[];
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
}

/**
 * Builds the issuer that the flags describe. It is not validated here but with the configuration.
 *
 * @throws UserError `issuer-options` if the flags contradict each other, `file-unreadable` if a
 *   file cannot be read.
 */
export async function issuerFrom(options: IssuerOptions): Promise<unknown> {
  const { iss, audience, clockTolerance, maxTokenSeconds } = options;
  if (options.file !== undefined) return parseJson(options.file, await read(options.file));
  return {
    ...member('iss', iss),
    ...member('audience', audience?.length === 1 ? audience[0] : audience),
    keys: await keysFrom(options),
    ...member('clockToleranceSeconds', clockTolerance),
    ...member('maxTokenSeconds', maxTokenSeconds),
    ...group('claimMapping', {
      clientId: options.clientIdClaim,
      username: options.usernameClaim,
      publish: options.publishClaim,
      subscribe: options.subscribeClaim,
      tenant: options.tenantClaim,
    }),
    ...group('requiredClaims', requirements(options.require ?? [])),
    ...group('defaultGrants', { publish: options.publish, subscribe: options.subscribe }),
  };
}

async function keysFrom(options: IssuerOptions): Promise<unknown> {
  const { jwksUrl, jwksFile, pemFile, secretFile, secretArn, secretEncoding } = options;
  const sources = [jwksUrl, jwksFile, pemFile, secretFile, secretArn].filter(
    (source) => source !== undefined,
  );
  if (sources.length !== 1) {
    throw usage('name its keys with one of --jwks-url, --jwks-file, --pem-file, --secret-arn, --secret-file');
  }
  if (jwksUrl !== undefined) return { kind: 'jwks-url', url: jwksUrl };
  if (pemFile !== undefined) return { kind: 'pem', pem: await read(pemFile) };
  if (jwksFile !== undefined)
    return { kind: 'inline', keys: keysOf(parseJson(jwksFile, await read(jwksFile))) };
  if (secretArn !== undefined) {
    return { kind: 'secret-reference', reference: secretArn, ...member('encoding', secretEncoding) };
  }
  const secret = (await read(secretFile ?? '')).replace(/\r?\n$/, '');
  return {
    kind: 'secret',
    secret: secretEncoding === 'utf8' ? Buffer.from(secret).toString('base64url') : secret,
  };
}

/** The file holds a JWK set, a list of keys or one key. */
function keysOf(parsed: unknown): unknown {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return parsed;
  return 'keys' in parsed ? parsed.keys : [parsed];
}

/** `CLAIM=VALUE`. A claim given twice may have either value. `true` and `false` become booleans. */
function requirements(given: readonly string[]): Record<string, unknown> {
  const values = new Map<string, (string | boolean)[]>();
  for (const requirement of given) {
    const end = requirement.lastIndexOf('=');
    if (end <= 0) throw usage('--require takes CLAIM=VALUE');
    const [claim, value] = [requirement.slice(0, end), requirement.slice(end + 1)];
    const known = values.get(claim) ?? [];
    values.set(claim, [...known, value === 'true' || value === 'false' ? value === 'true' : value]);
  }
  return Object.fromEntries([...values].map(([claim, list]) => [claim, list.length === 1 ? list[0] : list]));
}

function group(name: string, members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = Object.entries(members).filter(([, value]) => value !== undefined);
  return given.length === 0 ? {} : { [name]: Object.fromEntries(given) };
}

function member(name: string, value: unknown): Record<string, unknown> {
  return value === undefined ? {} : { [name]: value };
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new UserError('file-unreadable', `cannot read ${path}`, { cause });
  }
}

/** Drops the parser's message, which quotes the file and so may reveal a key. */
function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UserError('file-unreadable', `${path} is not JSON`);
  }
}

function usage(message: string): UserError {
  return new UserError('issuer-options', message, { exitCode: exitCodes.usage });
}
