import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  GoneException,
  LimitExceededException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import type { Gateway } from '../core/ports.ts';
import { type AwsClientOptions, cheapSettings, removeCostlyMiddleware } from './settings.ts';

/**
 * Attempts for a post or a close, with exponential back-off and jitter up to 1.6 s between them.
 */
const maxAttempts = 6;
const basePauseMs = 25;

/**
 * Client of API Gateway's `@connections` API. The endpoint is configuration
 * (`https://{api}.execute-api.{region}.amazonaws.com/{stage}`): with a custom domain, events name
 * another host.
 */
export function createManagementClient(options: AwsClientOptions): ApiGatewayManagementApiClient {
  const client = new ApiGatewayManagementApiClient({ ...cheapSettings(options), maxAttempts: 1 });
  removeCostlyMiddleware(client.middlewareStack);
  return client;
}

/**
 * The `Gateway` port over the `@connections` API.
 * @param pause waits between attempts; tests pass one that does not wait.
 */
export function createGateway(
  client: ApiGatewayManagementApiClient,
  pause: (milliseconds: number) => Promise<void> = sleep,
): Gateway {
  return {
    /**
     * A post whose fate is unknown, because its answer timed out or was a server fault, is not
     * repeated: the client would get its packets twice on one connection.
     */
    async post(address, text) {
      const command = new PostToConnectionCommand({ ConnectionId: address, Data: text });
      try {
        await attempt(() => client.send(command), wasNotAccepted);
        return 'sent';
      } catch (error) {
        return isGone(error) ? 'gone' : 'failed';
      }
    },

    async close(address) {
      try {
        await attempt(() => client.send(new DeleteConnectionCommand({ ConnectionId: address })), isTransient);
      } catch (error) {
        if (isGone(error)) return false;
        // What stays open is refused at its next frame, and closed by API Gateway when it is idle.
        if (!isTransient(error)) throw error;
      }
      return true;
    },

    async lastActiveAtMs(address) {
      try {
        const command = new GetConnectionCommand({ ConnectionId: address });
        const { LastActiveAt, ConnectedAt } = await attempt(() => client.send(command), isTransient);
        return (LastActiveAt ?? ConnectedAt)?.getTime();
      } catch (error) {
        if (isGone(error)) return undefined;
        throw error;
      }
    },
  };

  /** Repeats a call that failed in a way that `mayRepeat`. */
  async function attempt<T>(call: () => Promise<T>, mayRepeat: (error: unknown) => boolean): Promise<T> {
    for (let made = 1; ; made += 1) {
      try {
        return await call();
      } catch (error) {
        if (made === maxAttempts || isGone(error) || !mayRepeat(error)) throw error;
        await pause(Math.random() * basePauseMs * 2 ** made);
      }
    }
  }
}

/** 410; emulators do not always name the exception. */
function isGone(error: unknown): boolean {
  return error instanceof GoneException || statusOf(error) === 410;
}

/** Failures to connect, and connections that the server closed while they were idle. */
const notSentCodes: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/**
 * Whether API Gateway surely did not accept the call: throttled (429), unavailable (503), not sent.
 */
function wasNotAccepted(error: unknown): boolean {
  if (error instanceof LimitExceededException) return true;
  const status = statusOf(error);
  return status === 429 || status === 503 || notSentCodes.has((error as { code?: unknown }).code);
}

/** Throttling (429), server faults (5xx) and network failures, which have no status. */
function isTransient(error: unknown): boolean {
  if (error instanceof LimitExceededException) return true;
  const status = statusOf(error);
  return status === undefined || status === 429 || status >= 500;
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  return (error.$metadata as { httpStatusCode?: number }).httpStatusCode;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
