import { issuerReasons } from '../core/reasons/issuers.ts';

export type KeyFetchErrorCode = Exclude<keyof typeof issuerReasons, 'tenant-config'>;

/** Why the keys of an issuer cannot be loaded. Holds nothing of what the provider answered. */
export class KeyFetchError extends Error {
  override readonly name = 'KeyFetchError';
  readonly code: KeyFetchErrorCode;

  constructor(code: KeyFetchErrorCode) {
    super(issuerReasons[code].message);
    this.code = code;
  }
}
