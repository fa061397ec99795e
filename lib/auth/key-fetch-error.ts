const messages = {
  'keys-source': 'there is nothing here that could load these keys',
  'keys-url': 'the URL is not one that keys may be fetched from (https, no user name or password)',
  'keys-address': 'the host of the URL has an address that is not of the public Internet',
  'keys-host': 'the host of the URL cannot be found',
  'keys-timeout': 'the keys did not come in time',
  'keys-connection': 'the connection for the keys failed',
  'keys-redirect': 'the answer is a redirect, which is never followed',
  'keys-status': 'the answer has another status than 200',
  'keys-too-large': 'the answer is too large',
  'keys-encoding': 'the answer is compressed, though this was not asked for, or not UTF-8',
  'keys-not-json': 'the answer is not JSON',
  'keys-malformed': 'the answer is not a JWK set',
  'keys-too-many': 'the JWK set has too many keys',
  'keys-none': 'the JWK set has no key that Wisp verifies with',
  'secret-unavailable': 'the secret cannot be loaded',
  'secret-malformed': 'the secret is shorter than 32 bytes, longer than 512, or not of the form configured',
} as const;

export type KeyFetchErrorCode = keyof typeof messages;

/** Why keys of an issuer are not to be had. Holds nothing of what came over the wire. */
export class KeyFetchError extends Error {
  override readonly name = 'KeyFetchError';
  readonly code: KeyFetchErrorCode;

  constructor(code: KeyFetchErrorCode) {
    super(messages[code]);
    this.code = code;
  }
}
