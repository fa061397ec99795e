import type { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { OperatorContext } from '../admin/context.ts';
import { type Broker, createBroker, createContext } from '../broker/broker.ts';
import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { Gateway, LifecycleEvents, Ports } from '../core/ports.ts';
import { defaultSettings, type Settings } from '../core/settings.ts';
import type { UsageMeter, UsageMetrics } from '../core/usage.ts';
import { createUsageMeter } from '../limits/usage-meter.ts';
import type { TableNames } from '../store/schema.ts';
import { createStores, type Stores } from '../store/stores.ts';
import { createAuthenticatorPort, type VerificationOptions } from './authenticator.ts';
import { createEdgeGateway } from './edge-gateway.ts';
import { createFanoutQueue } from './fanout-queue.ts';
import { createGateway } from './gateway.ts';
import { createIds } from './ids.ts';
import { createRuleDrainQueue } from './rule-drains.ts';
import { createRuleQueue } from './rule-queue.ts';
import { createTimerQueue } from './timers.ts';

export interface ServiceOptions extends VerificationOptions {
  readonly dynamo: DynamoDBClient;
  readonly sqs: SQSClient;
  readonly management: ApiGatewayManagementApiClient;
  /** The API of the back doors. Default: there are no edges. */
  readonly backDoor?: { readonly management: ApiGatewayManagementApiClient };
  readonly tables: TableNames;
  readonly timerQueueUrl: string;
  readonly lookQueueUrl: string;
  readonly fanoutQueueUrl: string;
  /** Default: there are no rules. */
  readonly ruleQueueUrl?: string;
  /** Default: there are no rules for Kafka. */
  readonly kafkaRuleQueueUrl?: string;
  /** Receives lifecycle events, beside the MQTT topics. Default: none. */
  readonly events?: LifecycleEvents;
  /** Receives the usage of tenants, beside the table. Default: none. */
  readonly usageMetrics?: UsageMetrics;
  readonly nowMs?: () => number;
  readonly settings?: Settings;
  /** Replaces ports, for faults and schedulers in tests. */
  readonly wrap?: (ports: Ports) => Ports;
}

export interface Service {
  readonly broker: Broker;
  readonly usage: UsageMeter;
  readonly stores: Stores;
  /** For publishing over HTTP. */
  readonly context: Context;
  /** For the admin API. */
  readonly adminContext: OperatorContext;
  /**
   * Publishes lines of traces and writes usage that is due. Call it at the end of each invocation.
   */
  flush(): Promise<void>;
}

/**
 * Composes the broker over AWS clients, in the same way for Lambda, emulators and the local
 * runtime.
 */
export function createService(options: ServiceOptions): Service {
  const nowMs = options.nowMs ?? Date.now;
  const stores = createStores(options.dynamo, options.tables, nowMs);
  const timers = createTimerQueue(options.sqs, options.timerQueueUrl, nowMs, options.lookQueueUrl);
  const gateway = gatewayOf(options, { edges: stores.edges, timers, clock: { nowMs } });
  const ports: Ports = {
    ...stores,
    clock: { nowMs },
    ids: createIds(nowMs),
    random: Math.random,
    authenticator: createAuthenticatorPort(
      { lookup: stores.tenantAdmin, observers: stores.observers },
      nowMs,
      options,
    ),
    gateway,
    usage: createUsageMeter(
      stores.usageStore,
      nowMs,
      (error) => {
        options.log.count(metrics.usageWritesFailed);
        options.log.warn('usage could not be written and is kept for the next attempt', {
          error: error instanceof Error ? error.name : 'unknown',
        });
      },
      options.usageMetrics,
    ),
    timers,
    fanout: createFanoutQueue(options.sqs, options.fanoutQueueUrl),
    ...ruleQueueOf(options),
    log: options.log,
    events: options.events ?? { put: async () => {} },
  };
  const wrapped = options.wrap?.(ports) ?? ports;
  const context = createContext(wrapped, options.settings);
  const broker = createBroker(context);
  return {
    stores,
    usage: wrapped.usage,
    broker,
    context,
    adminContext: { ...context, tenantAdmin: stores.tenantAdmin },
    flush: broker.flush,
  };
}

function ruleQueueOf({
  sqs,
  ruleQueueUrl: common,
  kafkaRuleQueueUrl: kafka,
}: ServiceOptions): Pick<Ports, 'ruleQueue' | 'ruleDrains'> {
  if (common === undefined) return {};
  const urls = { common, ...(kafka === undefined ? {} : { kafka }) };
  return { ruleQueue: createRuleQueue(sqs, urls), ruleDrains: createRuleDrainQueue(sqs, urls) };
}

function gatewayOf(
  { management, backDoor, log, settings = defaultSettings }: ServiceOptions,
  ports: Pick<Ports, 'edges' | 'timers' | 'clock'>,
): Gateway {
  const gateway = createGateway(management);
  if (backDoor === undefined) return gateway;
  return createEdgeGateway({
    ...ports,
    gateway,
    doors: createGateway(backDoor.management),
    log,
    lookSeconds: settings.edgeLookSeconds,
  });
}
