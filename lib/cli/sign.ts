import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { SignatureV4 } from '@smithy/signature-v4';
import { UserError } from '../local/operator/user-error.ts';
import type { Sign } from './admin-client.ts';

type Credentials = ConstructorParameters<typeof SignatureV4>[0]['credentials'];

/**
 * Signs requests for API Gateway with AWS Signature Version 4, service `execute-api`.
 * @param region default: the region in `adminUrl`, else AWS_REGION.
 * @param credentials default: the AWS SDK's credential chain.
 * @throws UserError `region` if none is known.
 */
export function createSigner(adminUrl: string, region: string | undefined, credentials?: Credentials): Sign {
  const signature = new SignatureV4({
    service: 'execute-api',
    region: region ?? regionOf(adminUrl),
    credentials: credentials ?? defaultProvider(),
    sha256: Sha256,
  });
  return async ({ method, url, headers, body }) => {
    const query: Record<string, string[]> = {};
    for (const [name, value] of url.searchParams) query[name] = [...(query[name] ?? []), value];
    const signed = await signature.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === '' ? {} : { port: Number(url.port) }),
      path: url.pathname,
      query,
      headers: { ...headers, host: url.host },
      ...(body === undefined ? {} : { body }),
    });
    const { host: _, ...rest } = signed.headers;
    return rest;
  };
}

/** `https://{api}.execute-api.{region}.amazonaws.com/admin` */
function regionOf(adminUrl: string): string {
  const region = /\.execute-api\.([a-z0-9-]+)\./.exec(adminUrl)?.[1] ?? process.env.AWS_REGION;
  if (region === undefined)
    throw new UserError('region-missing', 'no AWS region given; use --region or AWS_REGION');
  return region;
}

/** The signer's hash interface on top of Node's crypto. */
class Sha256 {
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
