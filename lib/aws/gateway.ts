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

/** Attempts at a post or a close that is throttled or meets a server fault, with a growing random pause up to 1.6 s. */
const maxAttempts = 6;
const basePauseMs = 25;

/**
 * API Gateway's `@connections` API. The endpoint is configuration, `https://{api}.execute-api.{region}.amazonaws.com/{stage}`:
 * with a custom domain it cannot be derived from events.
 */
export function createManagementClient(options: AwsClientOptions): ApiGatewayManagementApiClient {
  const client = new ApiGatewayManagementApiClient({ ...cheapSettings(options), maxAttempts: 1 });
  removeCostlyMiddleware(client.middlewareStack);
  return client;
}

/**
 * @param pause waits before another attempt; tests put in one that does not.
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
          if (attempt === maxAttempts || !isPassing(error)) return 'failed';
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
          if (!isPassing(error)) throw error;
          // What stays open is refused at its next frame, and closed by API Gateway when it is idle.
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

/** 410, also where an emulator does not name the exception. */
function isGone(error: unknown): boolean {
  return error instanceof GoneException || statusOf(error) === 410;
}

/** Throttling (429), server faults (5xx), and a network that did not answer. */
function isPassing(error: unknown): boolean {
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
