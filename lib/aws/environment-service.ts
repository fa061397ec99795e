import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Log, Ports } from '../core/ports.ts';
import { createDynamoClient } from './dynamodb.ts';
import type { FunctionEnvironment } from './environment.ts';
import { createEventBus } from './event-bus.ts';
import { createManagementClient } from './gateway.ts';
import { createSecretsManagerSource } from './secrets.ts';
import { createService, type Service } from './service.ts';
import type { AwsClientOptions } from './settings.ts';
import { createSqsClient } from './sqs.ts';
import { createTenantMetrics } from './tenant-metrics.ts';

export interface EnvironmentOptions {
  readonly log: Log;
  /** Whether issuers may be on this machine: on emulators. */
  readonly allowPrivateIssuers: boolean;
  /** For all clients. Default: the SDK's own lookup. */
  readonly client?: AwsClientOptions;
  readonly wrap?: (ports: Ports) => Ports;
}

/** Composes the service over AWS, with the tables, queues and APIs that an environment names. */
export function createEnvironmentService(
  environment: FunctionEnvironment,
  { log, allowPrivateIssuers, client = {}, wrap }: EnvironmentOptions,
): Service & { readonly sqs: SQSClient } {
  const { tables, callbackEndpoint, backDoorEndpoint, eventBusName } = environment;
  const { timerQueueUrl, lookQueueUrl, fanoutQueueUrl, ruleQueueUrl, kafkaRuleQueueUrl } = environment;
  const sqs = createSqsClient(client);
  const service = createService({
    dynamo: createDynamoClient(client),
    sqs,
    management: managementAt(callbackEndpoint),
    tables,
    timerQueueUrl,
    lookQueueUrl,
    fanoutQueueUrl,
    secrets: createSecretsManagerSource(client),
    allowPrivateIssuers,
    log,
    ...(ruleQueueUrl === undefined ? {} : { ruleQueueUrl }),
    ...(kafkaRuleQueueUrl === undefined ? {} : { kafkaRuleQueueUrl }),
    ...(environment.tenantMetrics ? { usageMetrics: createTenantMetrics() } : {}),
    ...(backDoorEndpoint === undefined ? {} : { backDoor: { management: managementAt(backDoorEndpoint) } }),
    ...(eventBusName === undefined ? {} : { events: createEventBus(eventBusName, client) }),
    ...(wrap === undefined ? {} : { wrap }),
  });
  return { ...service, sqs };

  function managementAt(endpoint: string | undefined) {
    return createManagementClient({ ...client, ...(endpoint === undefined ? {} : { endpoint }) });
  }
}
