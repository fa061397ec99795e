import type { IncomingMessage, ServerResponse } from 'node:http';
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

/**
 * Serves `POST|GET|DELETE /{stage}/@connections/{connectionId}`, percent-encoded or not. Signatures
 * are not checked, but pages in a browser are refused (403).
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
 */
export function createManagement(core: Core) {
  return function handle(request: IncomingMessage, response: ServerResponse): void {
    request.on('error', () => response.destroy());
    response.on('error', () => {});
    if (!isFromProgram(request)) {
      request.resume();
      writeAnswer(response, forbidden);
      return;
    }
    const target = readTarget(request.url ?? '', core.api.stage);
    if ('status' in target || request.method !== 'POST') {
      request.resume();
      writeAnswer(
        response,
        'status' in target ? target : answerGetOrDelete(core, request.method, target.connectionId),
      );
      return;
    }
    const { connectionId } = target;
    readPostBody(request, (body) => {
      core.tasks.run(async () => {
        const outcome = body ? await post(core, connectionId, body) : tooLarge;
        if (outcome.errorType === undefined) core.meters.posts++;
        else core.meters.refusedPosts[outcome.status] = (core.meters.refusedPosts[outcome.status] ?? 0) + 1;
        writeAnswer(response, outcome);
      });
    });
  };
}

function readTarget(url: string, stage: string): Answer | { readonly connectionId: string } {
  let parts: string[];
  try {
    parts = (url.split('?', 1)[0] ?? '').split('/').map(decodeURIComponent);
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

function answerGetOrDelete(core: Core, method: string | undefined, connectionId: string): Answer {
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
function readPostBody(request: IncomingMessage, done: (body: Buffer | undefined) => void): void {
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

function writeAnswer(response: ServerResponse, { status, errorType, body }: Answer): void {
  if (response.destroyed) return;
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, {
    'x-amzn-RequestId': createId(),
    ...(errorType === undefined ? {} : { 'x-amzn-ErrorType': errorType }),
    ...(status === 204
      ? {}
      : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
  });
  response.end(text);
}

function error(status: number, errorType: string, message: string): Answer {
  return { status, errorType, body: { message } };
}
