import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { urlHost } from './url-host.ts';

/**
 * The AWS JSON 1.0 protocol, as DynamoDB and SQS speak it: POST /, the operation in `X-Amz-Target`, JSON both ways.
 * https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
 */
export interface AwsRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface AwsResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/** The shape of a Smithy HttpHandler: what an SDK client takes as `requestHandler`. */
export interface RequestHandler<
  Request extends AwsRequest = AwsRequest,
  Response extends AwsResponse = AwsResponse,
> {
  handle(request: Request): Promise<{ response: Response }>;
  destroy(): void;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
}

export function createRequestHandler<Response extends AwsResponse>(
  respond: (request: AwsRequest) => Promise<Response>,
): RequestHandler<AwsRequest, Response> {
  return {
    handle: async (request) => ({ response: await respond(request) }),
    destroy() {},
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
  };
}

/** `GetItem` of `DynamoDB_20120810.GetItem`; '' without a target. */
export function operationOf(request: AwsRequest): string {
  return (request.headers['x-amz-target'] ?? '').split('.')[1] ?? '';
}

/** The body as JSON, parsed anew at every call; undefined if it is no JSON object. */
export function inputOf(request: AwsRequest): Record<string, unknown> | undefined {
  const { body } = request;
  const text = typeof body === 'string' ? body : body instanceof Uint8Array ? utf8(body) : '';
  try {
    const input: unknown = JSON.parse(text);
    return isObject(input) ? input : undefined;
  } catch {
    return undefined;
  }
}

/** By way of the buffer: the SDK's own bodies warn when they are taken for strings, as Buffer.from(bytes) does. */
function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function jsonResponse(statusCode: number, body: unknown): AwsResponse {
  const bytes = Buffer.from(JSON.stringify(body));
  return {
    statusCode,
    headers: { 'content-type': 'application/x-amz-json-1.0', 'content-length': String(bytes.length) },
    body: bytes,
  };
}

/** An error of the service itself, as the SDK reads it: `error.name` is `type`. */
export class AwsError extends Error {
  readonly type: string;
  readonly statusCode: number;

  constructor(type: string, message: string, statusCode = 400) {
    super(message);
    this.name = 'AwsError';
    this.type = type;
    this.statusCode = statusCode;
  }

  toResponse(): AwsResponse {
    return jsonResponse(this.statusCode, { __type: this.type, message: this.message });
  }
}

/** 16 MB: the largest request that DynamoDB takes (BatchWriteItem); SQS takes less. */
const maxRequestBytes = 16 * 1024 * 1024;

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** `http://host:port`: the `endpoint` of an SDK client or of the aws CLI's `--endpoint-url`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves a handler to other processes. A request that is aborted, too large (413) or senseless ends that request
 * alone. Signatures are not checked: bind loopback unless a network of trusted machines is meant.
 */
export async function listen(handler: RequestHandler, host = '127.0.0.1', port = 0): Promise<Listener> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    let receivedBytes = 0;
    // An aborted request needs no answer, but an unheard 'error' would end the process.
    request.on('error', () => response.destroy());
    response.on('error', () => {});
    request.on('data', (chunk: Buffer) => {
      receivedBytes += chunk.length;
      if (receivedBytes <= maxRequestBytes) {
        chunks.push(chunk);
      } else if (!response.headersSent) {
        chunks.length = 0;
        response.writeHead(413, { connection: 'close' }).end();
      } else if (receivedBytes > 2 * maxRequestBytes) {
        request.destroy();
      }
    });
    request.on('end', () => {
      if (receivedBytes > maxRequestBytes) return;
      if (request.method !== 'POST') {
        response.writeHead(request.method === 'GET' ? 200 : 404).end();
        return;
      }
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      );
      handler
        .handle({ method: 'POST', headers, body: Buffer.concat(chunks) })
        .then(({ response: answer }) => answer)
        .catch(() => new AwsError('InternalServerError', 'The request could not be served', 500).toResponse())
        .then((answer) => {
          if (!response.destroyed) response.writeHead(answer.statusCode, answer.headers).end(answer.body);
        })
        .catch(() => response.destroy());
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo;
  return {
    host: address.address,
    port: address.port,
    url: `http://${urlHost(address.address)}:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
