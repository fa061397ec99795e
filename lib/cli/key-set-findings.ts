import {
  algorithmsByKeyType,
  type FetchText,
  httpsGet,
  KeyFetchError,
  type KeySet,
  readJwks,
} from '../auth/index.ts';
import { escapeControls } from '../core/escape-controls.ts';
import { reasons } from '../core/reasons.ts';
import { isObject } from '../core/validation.ts';
import type { Target } from './target.ts';

export interface KeySetFindings {
  /** Whether the set has a key that can verify tokens now. */
  readonly isUsable: boolean;
  readonly lines: readonly string[];
}

/**
 * What is behind the JWKS URL of an issuer, fetched with the same protection as in the service: the
 * local service accepts http and private addresses, a deployment does not.
 *
 * @param issuer whose configuration has not been checked yet
 * @returns undefined for an issuer without a URL
 */
export async function keySetFindings(
  issuer: unknown,
  { isLocal }: Pick<Target, 'isLocal'>,
  fetchKeys: FetchText = httpsGet({ allowPrivate: isLocal }),
): Promise<KeySetFindings | undefined> {
  const url = jwksUrlOf(issuer);
  if (url === undefined) return undefined;
  try {
    return findingsIn(readJwks(await fetchKeys(url)));
  } catch (error) {
    if (!(error instanceof KeyFetchError)) throw error;
    const { message, remedy } = reasons[error.code];
    return { isUsable: false, lines: [`no keys from ${url} (${error.code}): ${message}. ${remedy}`] };
  }
}

function jwksUrlOf(issuer: unknown): string | undefined {
  if (!isObject(issuer) || !isObject(issuer.keys)) return undefined;
  const { kind, url } = issuer.keys;
  return kind === 'jwks-url' && typeof url === 'string' ? url : undefined;
}

function findingsIn({ usable, unusable }: KeySet): KeySetFindings {
  const count = usable.length + unusable.length;
  return {
    isUsable: usable.length > 0,
    lines: [
      `Its key set has ${count} key${count === 1 ? '' : 's'}; ${usable.length} can verify tokens.`,
      ...usable.map(({ kid, kty }) => `  usable  ${nameOf(kid)}  ${algorithmsByKeyType[kty].join(' or ')}`),
      ...unusable.map(({ kid, needs }) => `  ignored ${nameOf(kid)}  needed: ${needs}`),
    ],
  };
}

/** Longest name that is shown whole. */
const maxKidCharacters = 64;

function nameOf(kid: string | undefined): string {
  if (kid === undefined) return '(no kid)';
  const shown = kid.length > maxKidCharacters ? `${kid.slice(0, maxKidCharacters)}…` : kid;
  return `kid ${escapeControls(shown)}`;
}
