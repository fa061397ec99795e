import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AwsRequest, type AwsResponse, createRequestHandler, type RequestHandler } from '../aws-json.ts';
import { isFromProgram } from '../from-program.ts';
import type { Core } from './core.ts';
import { waitFor } from './faults.ts';
import { createId, isId } from './ids.ts';
import { maxMessageBytes } from './limits.ts';

interface Answer {
  readonly status: number;
  /** Header `x-amzn-ErrorType`, which becomes the error's `name` in the SDK. */
  readonly errorType?: string;
  readonly body?: object;
}

/** Bytes after which the gateway stops reading a body that is too large. */
const maxDrainedBytes = 8 * maxMessageBytes;

const forbidden: Answer = error(403, 'ForbiddenException', 'Forbidden');
/** Also before `$connect` has accepted: https://repost.aws/knowledge-center/410-gone-api-gateway */
const gone: Answer = error(410, 'GoneException', 'Gone');
const tooLarge: Answer = error(413, 'PayloadTooLargeException', 'Request Too Long');
const limitExceeded: Answer = error(
  429,
  'LimitExceededException',
  'Too many requests or client side buffer is full',
);
const internal: Answer = error(500, 'InternalServerErrorException', 'Internal server error');

/** The `@connections` API for callers over HTTP and in this process. */
export interface Management {
  /** Signatures are not checked, but pages in a browser are refused (403). */
  serve(request: IncomingMessage, response: ServerResponse): void;
  /** The `requestHandler` of an `ApiGatewayManagementApiClient`: the same answers, without HTTP. */
  readonly requestHandler: RequestHandler<ManagementRequest>;
}

interface ManagementRequest extends AwsRequest {
  readonly path: string;
}

/**
 * Answers `POST|GET|DELETE /{stage}/@connections/{connectionId}`, percent-encoded or not.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
 */
export function createManagement(core: Core): Management {
  /** @param body undefined if it is larger than 128 KB. */
  function answer(method: string, path: string, body: Buffer | undefined): Promise<Answer> {
    const target = readTarget(path, core.api.stage);
    if ('status' in target) return Promise.resolve(target);
    const { connectionId } = target;
    if (method !== 'POST') return Promise.resolve(answerGetOrDelete(core, method, connectionId));
    return new Promise((resolve) => {
      core.tasks.run(async () => {
        const outcome = body ? await post(core, connectionId, body) : tooLarge;
        if (outcome.errorType === undefined) core.meters.posts++;
        else core.meters.refusedPosts[outcome.status] = (core.meters.refusedPosts[outcome.status] ?? 0) + 1;
        resolve(outcome);
      });
    });
  }

  return {
    serve(request, response) {
      request.on('error', () => response.destroy());
      response.on('error', () => {});
      if (!isFromProgram(request)) {
        request.resume();
        writeAnswer(response, forbidden);
        return;
      }
      const path = (request.url ?? '').split('?', 1)[0] ?? '';
      readBody(request, (body) => {
        answer(request.method ?? '', path, body).then(
          (given) => writeAnswer(response, given),
          () => response.destroy(),
        );
      });
    },
    requestHandler: createRequestHandler(async ({ method, path, body }: ManagementRequest) => {
      const bytes = bytesOf(body);
      return responseOf(await answer(method, path, bytes.length > maxMessageBytes ? undefined : bytes));
    }),
  };
}

/** A string or bytes, as the SDK gives them. */
function bytesOf(body: unknown): Buffer {
  if (typeof body === 'string') return Buffer.from(body);
  return body instanceof Uint8Array
    ? Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    : Buffer.alloc(0);
}

function readTarget(path: string, stage: string): Answer | { readonly connectionId: string } {
  let parts: string[];
  try {
    parts = path.split('/').map(decodeURIComponent);
  } catch {
    return error(400, 'BadRequestException', 'Bad Request');
  }
  const [, first, second, connectionId] = parts;
  if (parts.length === 2 && first === stage) return error(426, 'UpgradeRequired', 'Connect by WebSocket');
  if (parts.length !== 4 || first !== stage || second !== '@connections') return forbidden;
  if (connectionId === undefined || !isId(connectionId)) {
    return error(400, 'BadRequestException', 'Invalid connectionId');
  }
  return { connectionId };
}

function answerGetOrDelete(core: Core, method: string, connectionId: string): Answer {
  const { connections, postsAreActivity } = core;
  if (method !== 'GET' && method !== 'DELETE') return forbidden;
  const connection = connections.get(connectionId);
  if (!connection) return gone;
  if (method === 'DELETE') {
    const reported = { code: 1000, reason: 'Connection Closed Normally' };
    connections.close(connection, { code: 1000, reason: '' }, reported);
    return { status: 204 };
  }
  return {
    status: 200,
    body: {
      connectedAt: new Date(connection.connectedAtMs).toISOString(),
      identity: connection.identity,
      lastActiveAt: new Date(
        postsAreActivity ? connection.lastActiveAtMs : connection.lastReceivedAtMs,
      ).toISOString(),
    },
  };
}

async function post(core: Core, connectionId: string, body: Buffer): Promise<Answer> {
  const { clock, connections, faults, log, random } = core;
  try {
    const about = { connectionId, body, random };
    const refusal = faults.refusePost?.(about);
    if (refusal !== undefined) return refusal === 429 ? limitExceeded : { ...internal, status: refusal };
    const pause = waitFor(faults.delayPost?.(about), clock);
    if (pause) await pause;
  } catch {
    return internal;
  }
  const connection = connections.get(connectionId);
  if (!connection) return gone;
  const sent = connections.send(connection, body);
  if (sent === 'full') log({ event: 'clientBufferFull', connectionId });
  return sent === 'sent' ? { status: 200 } : sent === 'full' ? limitExceeded : gone;
}

/** Calls `done` with the body; with undefined if it is larger than 128 KB. */
function readBody(request: IncomingMessage, done: (body: Buffer | undefined) => void): void {
  const chunks: Buffer[] = [];
  let receivedBytes = 0;
  request.on('data', (chunk: Buffer) => {
    receivedBytes += chunk.length;
    if (receivedBytes <= maxMessageBytes) chunks.push(chunk);
    else chunks.length = 0;
    if (receivedBytes > maxDrainedBytes) request.destroy();
  });
  request.on('end', () => {
    const [first = Buffer.alloc(0)] = chunks;
    done(receivedBytes > maxMessageBytes ? undefined : chunks.length > 1 ? Buffer.concat(chunks) : first);
  });
}

function writeAnswer(response: ServerResponse, given: Answer): void {
  if (response.destroyed) return;
  const { statusCode, headers, body } = responseOf(given);
  response.writeHead(statusCode, headers).end(body);
}

/** Header names are in lower case, as the SDK expects them of a handler. */
function responseOf({ status, errorType, body }: Answer): AwsResponse {
  const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body));
  return {
    statusCode: status,
    headers: {
      'x-amzn-requestid': createId(),
      ...(errorType === undefined ? {} : { 'x-amzn-errortype': errorType }),
      ...(status === 204
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(bytes.length) }),
    },
    body: bytes,
  };
}

function error(status: number, errorType: string, message: string): Answer {
  return { status, errorType, body: { message } };
}
