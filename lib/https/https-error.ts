/** Why a request got no answer. */
export type HttpsFault =
  /** The URL is not https, or holds a user name or password. */
  | 'url'
  /** The host has an address outside the public Internet. */
  | 'address'
  /** The host cannot be resolved. */
  | 'host'
  | 'timeout'
  /** The connection, TLS or HTTP failed. */
  | 'connection';

/** Holds nothing of the URL, the request or the answer. */
export class HttpsError extends Error {
  override readonly name = 'HttpsError';
  readonly fault: HttpsFault;

  constructor(fault: HttpsFault) {
    super(`an HTTPS request failed: ${fault}`);
    this.fault = fault;
  }
}
