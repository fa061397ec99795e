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
    async post(address, text) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          await client.send(new PostToConnectionCommand({ ConnectionId: address, Data: text }));
          return 'sent';
        } catch (error) {
          if (isGone(error)) return 'gone';
          if (attempt === maxAttempts || !isTransient(error)) return 'failed';
          await pause(Math.random() * basePauseMs * 2 ** attempt);
        }
      }
    },

    async close(address) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          await client.send(new DeleteConnectionCommand({ ConnectionId: address }));
          return;
        } catch (error) {
          if (isGone(error)) return;
          if (!isTransient(error)) throw error;
          // What stays open is refused at its next frame, and closed by API Gateway when it is
          // idle.
          if (attempt === maxAttempts) return;
          await pause(Math.random() * basePauseMs * 2 ** attempt);
        }
      }
    },

    async lastActiveAtMs(address) {
      try {
        const { LastActiveAt, ConnectedAt } = await client.send(
          new GetConnectionCommand({ ConnectionId: address }),
        );
        return (LastActiveAt ?? ConnectedAt)?.getTime();
      } catch (error) {
        if (isGone(error)) return undefined;
        throw error;
      }
    },
  };
}

/** 410; emulators do not always name the exception. */
function isGone(error: unknown): boolean {
  return error instanceof GoneException || statusOf(error) === 410;
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
