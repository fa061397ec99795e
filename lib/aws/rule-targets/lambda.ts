import type { RuleTargetPort } from '../../rules/target.ts';
import { oneByOne } from '../../rules/targets/one-by-one.ts';
import { removeCostlyMiddleware } from '../settings.ts';
import { batchEntries, createAwsTarget, type TargetClientOptions } from './clients.ts';
import { outcomeOfAwsError } from './outcomes.ts';

/** Bytes of an asynchronous invocation (AWS Lambda Developer Guide, Invoke). */
const maxPayloadBytes = 1_048_576;

/**
 * Invokes a function asynchronously with the body, which must be JSON. Lambda keeps no order among
 * asynchronous invocations, and tries a function that fails again by itself.
 */
export function createLambdaTarget(options: TargetClientOptions = {}): RuleTargetPort {
  return createAwsTarget(options, {
    kind: 'lambda',
    maxBatch: batchEntries,
    arnOf: ({ functionArn }) => functionArn,
    async create(settings) {
      const { InvokeCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
      const client = new LambdaClient(settings);
      removeCostlyMiddleware(client.middlewareStack);
      return (FunctionName: string, Payload: Uint8Array) =>
        client.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload }));
    },
    deliver: (invoke, { functionArn }, deliveries) =>
      oneByOne(deliveries, async ({ body }) => {
        if (body.length === 0) return { kind: 'refused', code: 'rule-body-empty' };
        if (body.length > maxPayloadBytes) return { kind: 'refused', code: 'rule-body-too-large' };
        try {
          await invoke(functionArn, body);
          return { kind: 'delivered' };
        } catch (error) {
          return outcomeOfAwsError(error);
        }
      }),
  });
}
