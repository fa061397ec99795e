import type { Reason } from './reason.ts';

/**
 * Configuration of issuers, and loading their keys. Clients are told token-not-verified; the
 * log has these codes and token-keys-unavailable.
 */
export const issuerReasons = {
  'tenant-config': {
    http: 400,
    message: 'the configuration of the tenant is not valid',
    remedy: 'Correct the member that the message names (docs/tokens.md, docs/quotas.md).',
  },
  'keys-source': {
    message: 'no loader is configured for keys of this kind',
    remedy: 'Report it: this process loads neither URLs nor secrets.',
  },
  'keys-url': {
    message: 'the URL is not one that keys may be fetched from (https, no user name or password)',
    remedy: 'Configure an https URL of the provider without credentials in it.',
  },
  'keys-address': {
    message: 'the host of the URL has an address outside the public Internet',
    remedy: 'Use a public host; allow private addresses only where the operator has set this up.',
  },
  'keys-host': {
    message: 'the host of the URL cannot be resolved',
    remedy: 'Check the spelling of the host and its DNS records.',
  },
  'keys-timeout': {
    message: 'the keys did not arrive in time',
    remedy: 'Check that the provider answers within seconds; loaded keys stay in use meanwhile.',
  },
  'keys-connection': {
    message: 'the connection for the keys failed',
    remedy: 'Check that the provider is reachable and its TLS certificate valid.',
  },
  'keys-redirect': {
    message: 'the answer is a redirect, which is never followed',
    remedy: 'Configure the final URL.',
  },
  'keys-status': {
    message: 'the answer has another status than 200',
    remedy: 'Open the URL: it must answer without credentials.',
  },
  'keys-too-large': {
    message: 'the answer is too large',
    remedy: 'Serve a JWK set with the current keys only.',
  },
  'keys-encoding': {
    message: 'the answer is compressed although this was not requested, or is not UTF-8',
    remedy: 'Serve the JWK set uncompressed, as UTF-8.',
  },
  'keys-not-json': {
    message: 'the answer is not JSON',
    remedy: 'Configure the URL of the JWK set (jwks_uri), not of a page.',
  },
  'keys-malformed': {
    message: 'the answer is not a JWK set',
    remedy: 'Configure the URL of the JWK set: an object with the list "keys".',
  },
  'keys-too-many': {
    message: 'the JWK set has too many keys',
    remedy: 'Remove retired keys from the set.',
  },
  'keys-none': {
    message: 'the JWK set has no key that Wisp verifies with',
    remedy: 'Publish a key for ES256, RS256 or EdDSA.',
  },
  'secret-unavailable': {
    message: 'the secret cannot be loaded',
    remedy: 'Check the name of the secret and that the functions may read it (docs/tokens.md).',
  },
  'secret-malformed': {
    message: 'the secret is shorter than 32 bytes, longer than 512, or not of the configured form',
    remedy: 'Store 32 to 512 bytes in the configured encoding.',
  },
} as const satisfies Readonly<Record<string, Reason>>;
