import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda';
import { callbackEndpointVariable } from '../../aws/environment.ts';
import type { Invoke } from '../gateway/index.ts';
import type { Deployed } from './deployed.ts';
import { type Emulator, emulatorClientSettings } from './emulator.ts';
import { createLimiter } from './limiter.ts';

/** The SDK's variable for the endpoint of one service. It overrides the functions' own variable. */
const callbackOverrideVariable = 'AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI';

const updateTimeoutSeconds = 30;

/** The functions of a stack that is deployed at an emulator. */
export interface DeployedFunctions {
  /** Calls `lambda:Invoke` for the function of a route. Rejects with the function's error. */
  readonly invoke: Invoke;
  /**
   * Configures `url` as the @connections endpoint of all functions that post to connections.
   *
   * @returns the number of functions that were changed.
   */
  sendCallbacksTo(url: string): Promise<number>;
  /** Drops waiting invocations and waits for those under way. */
  close(): Promise<void>;
}

/**
 * @param maxConcurrent bound of concurrent invocations; more wait in order of arrival. Emulators
 *   start a process for each invocation, and a hundred of them are slower than eight.
 */
export function createDeployedFunctions(
  emulator: Emulator,
  deployed: Deployed,
  maxConcurrent: number,
): DeployedFunctions {
  const client = new LambdaClient({ ...emulatorClientSettings(emulator), maxAttempts: 1 });
  const limiter = createLimiter(maxConcurrent);

  async function tell(name: string, url: string): Promise<boolean> {
    const { Environment } = await client.send(new GetFunctionConfigurationCommand({ FunctionName: name }));
    const variables = Environment?.Variables ?? {};
    if (variables[callbackEndpointVariable] === undefined || variables[callbackOverrideVariable] === url)
      return false;
    await client.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName: name,
        Environment: { Variables: { ...variables, [callbackOverrideVariable]: url } },
      }),
    );
    await waitUntilFunctionUpdatedV2(
      { client, maxWaitTime: updateTimeoutSeconds, minDelay: 1, maxDelay: 2 },
      { FunctionName: name },
    );
    return true;
  }

  return {
    invoke: (route, event) =>
      limiter.run(async () => {
        const { FunctionError, Payload } = await client.send(
          new InvokeCommand({ FunctionName: deployed.routes[route], Payload: JSON.stringify(event) }),
        );
        const result: unknown = JSON.parse(Payload?.transformToString() || 'null');
        if (FunctionError !== undefined) throw functionError(FunctionError, result);
        return result;
      }),
    async sendCallbacksTo(url) {
      const told = await Promise.all(deployed.functions.map((name) => tell(name, url)));
      return told.filter(Boolean).length;
    },
    async close() {
      await limiter.close();
      client.destroy();
    },
  };
}

/** Lambda's error payload of a function that threw: `{ errorType, errorMessage, trace }`. */
function functionError(kind: string, result: unknown): Error {
  const { errorType, errorMessage } = (result ?? {}) as { errorType?: unknown; errorMessage?: unknown };
  const error = new Error(typeof errorMessage === 'string' ? errorMessage : kind);
  error.name = typeof errorType === 'string' ? errorType : kind;
  return error;
}
