import type { AdminContext } from '../lib/admin/context.ts';
import { createDynamoClient } from '../lib/aws/dynamodb.ts';
import { allowPrivateIssuersVariable, functionEnvironment } from '../lib/aws/environment.ts';
import { createEventBus } from '../lib/aws/event-bus.ts';
import { returnToQueue } from '../lib/aws/fanout-queue.ts';
import { createManagementClient } from '../lib/aws/gateway.ts';
import { createPowertoolsLog } from '../lib/aws/log.ts';
import { createSecretsManagerSource } from '../lib/aws/secrets.ts';
import { createService } from '../lib/aws/service.ts';
import { createSqsClient } from '../lib/aws/sqs.ts';
import { createTenantMetrics } from '../lib/aws/tenant-metrics.ts';
import type { Broker } from '../lib/broker/broker.ts';
import type { Context } from '../lib/core/context.ts';
import type { Log, Timers } from '../lib/core/ports.ts';

/** What the entry points need; the local runtime makes its own. */
export interface FunctionService {
  readonly broker: Broker;
  readonly timers: Timers;
  readonly context: Context;
  readonly adminContext: AdminContext;
  readonly log: Log;
  readonly nowMs: () => number;
  /** Makes slices of fan-outs visible in their queue again after that many seconds. */
  returnSlices(receiptHandles: readonly string[], seconds: number): Promise<void>;
  /** Writes usage that is due, and metrics; called at the end of each invocation. */
  flush(): Promise<void>;
}

let service: FunctionService | undefined;

/** The service over this function's environment, made at the first request and kept. */
export function functionService(): FunctionService {
  service ??= fromEnvironment();
  return service;
}

function fromEnvironment(): FunctionService {
  const environment = functionEnvironment(process.env);
  const { tables, callbackEndpoint, timerQueueUrl, fanoutQueueUrl, eventBusName } = environment;
  const log = createPowertoolsLog();
  const sqs = createSqsClient();
  const { broker, timers, usage, context, adminContext } = createService({
    dynamo: createDynamoClient(),
    sqs,
    management: createManagementClient(callbackEndpoint === undefined ? {} : { endpoint: callbackEndpoint }),
    tables,
    timerQueueUrl,
    fanoutQueueUrl,
    secrets: createSecretsManagerSource(),
    allowPrivateIssuers: process.env[allowPrivateIssuersVariable] === 'true',
    log,
    ...(environment.tenantMetrics ? { usageMetrics: createTenantMetrics() } : {}),
    ...(eventBusName === undefined ? {} : { events: createEventBus(eventBusName) }),
  });
  const flush = async (): Promise<void> => {
    await usage.flush();
    log.flush();
  };
  const returnSlices: FunctionService['returnSlices'] = (receiptHandles, seconds) =>
    returnToQueue(sqs, fanoutQueueUrl, receiptHandles, seconds);
  return { broker, timers, context, adminContext, log, nowMs: Date.now, returnSlices, flush };
}
