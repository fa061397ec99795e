import { createServer } from 'node:http';
import { isFromProgram } from './from-program.ts';
import { listenOn } from './listen.ts';
import { urlHost } from './url-host.ts';

/**
 * A request of the AWS JSON 1.0 protocol, which DynamoDB and SQS use: POST /, the operation in
 * `X-Amz-Target`, JSON in both directions.
 * https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
 */
export interface AwsRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Text or bytes; within a process also the JSON object itself. */
  readonly body?: unknown;
}

export interface AwsResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
  /** The JSON object of the body, for callers in this process. */
  readonly json?: unknown;
}

/** The interface of a Smithy HttpHandler, the type of an SDK client's `requestHandler`. */
export interface RequestHandler<
  Request extends AwsRequest = AwsRequest,
  Response extends AwsResponse = AwsResponse,
> {
  handle(request: Request): Promise<{ response: Response }>;
  destroy(): void;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
}

export function createRequestHandler<Response extends AwsResponse, Request extends AwsRequest = AwsRequest>(
  respond: (request: Request) => Promise<Response>,
): RequestHandler<Request, Response> {
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

/** Parses the body on every call, unless it is parsed. Undefined if it is not a JSON object. */
export function inputOf(request: AwsRequest): Record<string, unknown> | undefined {
  const { body } = request;
  if (isJsonObject(body) && !(body instanceof Uint8Array)) return body;
  const text = typeof body === 'string' ? body : body instanceof Uint8Array ? utf8(body) : '';
  try {
    const input: unknown = JSON.parse(text);
    return isJsonObject(input) ? input : undefined;
  } catch {
    return undefined;
  }
}

/** Reads through the ArrayBuffer: Buffer.from(bytes) makes the SDK's body class print a warning. */
function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Makes the text when headers or body are read: callers in this process take the object. */
export function jsonResponse(statusCode: number, json: unknown): AwsResponse {
  let bytes: Buffer | undefined;
  const made = (): Buffer => {
    bytes ??= Buffer.from(JSON.stringify(json));
    return bytes;
  };
  return {
    statusCode,
    json,
    get headers() {
      return { 'content-type': 'application/x-amz-json-1.0', 'content-length': String(made().length) };
    },
    get body() {
      return made();
    },
  };
}

/** The JSON object of a response. */
export function jsonOf(response: AwsResponse): unknown {
  return response.json ?? JSON.parse(utf8(response.body));
}

/** An error response of the emulated service. In the SDK, `error.name` is `type`. */
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

/** 16 MB, the largest request of DynamoDB (BatchWriteItem). SQS accepts less. */
const maxRequestBytes = 16 * 1024 * 1024;

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** `http://host:port`: the `endpoint` of an SDK client or of the aws CLI's `--endpoint-url`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves a handler to other processes over HTTP. An aborted, too large (413) or malformed request
 * affects no other request. Pages in a browser are refused (403). Signatures are not checked:
 * listen on loopback unless all machines on the network are trusted.
 */
export async function serveAwsJson(handler: RequestHandler, host = '127.0.0.1', port = 0): Promise<Listener> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    let receivedBytes = 0;
    // An 'error' event without a listener would end the process.
    request.on('error', () => response.destroy());
    response.on('error', () => {});
    if (!isFromProgram(request)) {
      request.resume();
      response.writeHead(403).end();
      return;
    }
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
  const address = await listenOn(server, host, port);
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
