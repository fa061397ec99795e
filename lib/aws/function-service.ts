import type { OperatorContext } from '../admin/context.ts';
import type { Broker } from '../broker/broker.ts';
import type { Context } from '../core/context.ts';
import type { Log } from '../core/ports.ts';
import { allowPrivateIssuersVariable, functionEnvironment } from './environment.ts';
import { createEnvironmentService } from './environment-service.ts';
import { returnToQueue } from './fanout-queue.ts';
import { createPowertoolsLog } from './log.ts';

/** What the entry points need. The local runtime creates its own. */
export interface FunctionService {
  readonly broker: Broker;
  readonly context: Context;
  readonly adminContext: OperatorContext;
  readonly log: Log;
  readonly nowMs: () => number;
  /** Origins whose pages may publish over HTTP; `*` stands for all. */
  readonly publishOrigins: readonly string[];
  /** Makes slices of fan-outs visible in their queue again after `seconds`. */
  returnSlices(receiptHandles: readonly string[], seconds: number): Promise<void>;
  /** Writes usage that is due, and metrics. Call it at the end of each invocation. */
  flush(): Promise<void>;
}

let service: FunctionService | undefined;

/** The service over this function's environment, created at the first request and kept. */
export function functionService(): FunctionService {
  service ??= fromEnvironment();
  return service;
}

function fromEnvironment(): FunctionService {
  const environment = functionEnvironment(process.env);
  const { publishOrigins } = environment;
  const log = createPowertoolsLog();
  const { broker, context, adminContext, sqs, ...rest } = createEnvironmentService(environment, {
    log,
    allowPrivateIssuers: process.env[allowPrivateIssuersVariable] === 'true',
  });
  const flush = async (): Promise<void> => {
    await rest.flush();
    log.flush();
  };
  const returnSlices: FunctionService['returnSlices'] = (receiptHandles, seconds) =>
    returnToQueue(sqs, environment.fanoutQueueUrl, receiptHandles, seconds);
  return { broker, context, adminContext, log, nowMs: Date.now, publishOrigins, returnSlices, flush };
}
