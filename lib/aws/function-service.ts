import type { AdminContext } from '../admin/context.ts';
import type { Broker } from '../broker/broker.ts';
import type { Context } from '../core/context.ts';
import type { Log } from '../core/ports.ts';
import { createDynamoClient } from './dynamodb.ts';
import { allowPrivateIssuersVariable, functionEnvironment } from './environment.ts';
import { createEventBus } from './event-bus.ts';
import { returnToQueue } from './fanout-queue.ts';
import { createManagementClient } from './gateway.ts';
import { createPowertoolsLog } from './log.ts';
import { createSecretsManagerSource } from './secrets.ts';
import { createService } from './service.ts';
import { createSqsClient } from './sqs.ts';
import { createTenantMetrics } from './tenant-metrics.ts';

/** What the entry points need. The local runtime creates its own. */
export interface FunctionService {
  readonly broker: Broker;
  readonly context: Context;
  readonly adminContext: AdminContext;
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
  const { tables, callbackEndpoint, backDoorEndpoint, timerQueueUrl, lookQueueUrl, fanoutQueueUrl } =
    environment;
  const { eventBusName, publishOrigins } = environment;
  const log = createPowertoolsLog();
  const sqs = createSqsClient();
  const { broker, usage, context, adminContext } = createService({
    dynamo: createDynamoClient(),
    sqs,
    management: createManagementClient(callbackEndpoint === undefined ? {} : { endpoint: callbackEndpoint }),
    tables,
    timerQueueUrl,
    lookQueueUrl,
    fanoutQueueUrl,
    secrets: createSecretsManagerSource(),
    allowPrivateIssuers: process.env[allowPrivateIssuersVariable] === 'true',
    log,
    ...(environment.tenantMetrics ? { usageMetrics: createTenantMetrics() } : {}),
    ...(backDoorEndpoint === undefined
      ? {}
      : { backDoor: { management: createManagementClient({ endpoint: backDoorEndpoint }) } }),
    ...(eventBusName === undefined ? {} : { events: createEventBus(eventBusName) }),
  });
  const flush = async (): Promise<void> => {
    await usage.flush();
    log.flush();
  };
  const returnSlices: FunctionService['returnSlices'] = (receiptHandles, seconds) =>
    returnToQueue(sqs, fanoutQueueUrl, receiptHandles, seconds);
  return { broker, context, adminContext, log, nowMs: Date.now, publishOrigins, returnSlices, flush };
}
