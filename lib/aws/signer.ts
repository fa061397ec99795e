import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { SignatureV4 } from '@smithy/signature-v4';

export type Credentials = ConstructorParameters<typeof SignatureV4>[0]['credentials'];

export interface RequestToSign {
  readonly method: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Default: now. */
  readonly date?: Date;
}

/**
 * Signs requests for API Gateway with AWS Signature Version 4, service `execute-api`.
 *
 * @param credentials default: the AWS SDK's credential chain.
 * @returns the headers of the signed request without `host`, which follows from the URL.
 */
export function createRequestSigner(
  region: string,
  credentials: Credentials = defaultProvider(),
): (request: RequestToSign) => Promise<Record<string, string>> {
  const signature = new SignatureV4({ service: 'execute-api', region, credentials, sha256: Sha256 });
  return async ({ method, url, headers = {}, body, date }) => {
    const query: Record<string, string[]> = {};
    for (const [name, value] of url.searchParams) query[name] = [...(query[name] ?? []), value];
    const signed = await signature.sign(
      {
        method,
        protocol: url.protocol,
        hostname: url.hostname,
        ...(url.port === '' ? {} : { port: Number(url.port) }),
        path: url.pathname,
        query,
        headers: { ...headers, host: url.host },
        ...(body === undefined ? {} : { body }),
      },
      date === undefined ? {} : { signingDate: date },
    );
    const { host: _, ...rest } = signed.headers;
    return rest;
  };
}

/** The region in the host of an API, `{api}.execute-api.{region}.amazonaws.com`. */
export function regionOfApi(url: string): string | undefined {
  return /\.execute-api\.([a-z0-9-]+)\./.exec(url)?.[1];
}

/** The signer's hash interface on top of Node's crypto. */
export class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', toBytes(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(toBytes(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    throw new Error('a hash is used once');
  }
}

function toBytes(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, 'utf8');
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
