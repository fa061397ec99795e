import { everyOrigin, parseOriginList } from '../core/origins.ts';
import { type TableKind, type TableNames, tableNames } from '../store/schema.ts';

/** Environment variables of the functions. The stack sets them, the functions read them. */
export const tableVariables: Readonly<Record<TableKind, string>> = {
  connections: 'CONNECTIONS_TABLE',
  sessions: 'SESSIONS_TABLE',
  subscriptions: 'SUBSCRIPTIONS_TABLE',
  messages: 'MESSAGES_TABLE',
  retained: 'RETAINED_TABLE',
  tenants: 'TENANTS_TABLE',
  usage: 'USAGE_TABLE',
};
/**
 * URL of the stage, to which `/@connections` is appended. Events do not tell it: with a custom
 * domain they name another host.
 */
export const callbackEndpointVariable = 'CALLBACK_ENDPOINT';
/**
 * URL of the stage of the back doors' API, to which `/@connections` is appended. Absent: there are
 * no edges.
 */
export const backDoorEndpointVariable = 'BACK_DOOR_ENDPOINT';
/** WebSocket URL of the same stage, for edge processes only. */
export const backDoorUrlVariable = 'BACK_DOOR_URL';
export const timerQueueVariable = 'TIMER_QUEUE_URL';
/** Absent in functions that schedule no looks at connections. */
export const lookQueueVariable = 'LOOK_QUEUE_URL';
/** Absent in functions that publish nothing. */
export const fanoutQueueVariable = 'FANOUT_QUEUE_URL';
/** Queue of records of rules. Absent: the deployment has no rules, or the function fires none. */
export const ruleQueueVariable = 'RULE_QUEUE_URL';
/** Queue of records for Kafka. Absent: no rules for Kafka are delivered. */
export const kafkaRuleQueueVariable = 'KAFKA_RULE_QUEUE_URL';
/** Workers of rules that may run at a time. Only these functions have it. */
export const ruleWorkersVariable = 'RULE_WORKERS';
/** Queue whose messages are published. Only the function that publishes them has it. */
export const inboundQueueVariable = 'INBOUND_QUEUE_URL';
export const inboundDeadLettersVariable = 'INBOUND_DEAD_LETTERS_URL';
/** `true` on emulators, whose identity provider is on the same machine. The stack never sets it. */
export const allowPrivateIssuersVariable = 'ALLOW_PRIVATE_ISSUERS';
/** Name of the EventBridge bus for lifecycle events. Absent: none are sent. */
export const eventBusVariable = 'EVENT_BUS_NAME';
/** `true` in functions that also write the usage of tenants as metrics. */
export const tenantMetricsVariable = 'TENANT_METRICS';
/** Origins whose pages may publish over HTTP: a list of origins. Absent: all. */
export const publishOriginsVariable = 'PUBLISH_ORIGINS';
export const logLevelVariable = 'LOG_LEVEL';

export interface FunctionEnvironment {
  readonly tables: TableNames;
  /** Absent in functions that do not call the `@connections` API. */
  readonly callbackEndpoint?: string;
  readonly backDoorEndpoint?: string;
  readonly timerQueueUrl: string;
  readonly lookQueueUrl: string;
  readonly fanoutQueueUrl: string;
  readonly ruleQueueUrl?: string;
  readonly kafkaRuleQueueUrl?: string;
  readonly ruleWorkers?: number;
  readonly eventBusName?: string;
  readonly tenantMetrics: boolean;
  /** `*` stands for all. */
  readonly publishOrigins: readonly string[];
}

export class EnvironmentError extends Error {
  readonly code = 'environment';
  override readonly name = 'EnvironmentError';
}

/**
 * Reads a function's environment. A function gets only the tables and queues that it may use; a
 * call to another one fails with the name of its variable.
 * @throws EnvironmentError when the variable of the timer queue is missing.
 */
export function functionEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): FunctionEnvironment {
  const timerQueueUrl = variables[timerQueueVariable];
  if (timerQueueUrl === undefined) throw new EnvironmentError(`${timerQueueVariable} is not set`);
  const callbackEndpoint =
    variables.AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI ?? variables[callbackEndpointVariable];
  const tables = Object.fromEntries(
    tableNames.map((kind) => [kind, variables[tableVariables[kind]] ?? `${tableVariables[kind]} is not set`]),
  ) as Record<TableKind, string>;
  const eventBusName = variables[eventBusVariable];
  const backDoorEndpoint = variables[backDoorEndpointVariable];
  const ruleQueueUrl = variables[ruleQueueVariable];
  const kafkaRuleQueueUrl = variables[kafkaRuleQueueVariable];
  const ruleWorkers = Number(variables[ruleWorkersVariable]);
  return {
    tables,
    timerQueueUrl,
    lookQueueUrl: variables[lookQueueVariable] ?? `${lookQueueVariable} is not set`,
    fanoutQueueUrl: variables[fanoutQueueVariable] ?? `${fanoutQueueVariable} is not set`,
    tenantMetrics: variables[tenantMetricsVariable] === 'true',
    publishOrigins: parseOriginList(variables[publishOriginsVariable] ?? everyOrigin) ?? [],
    ...(callbackEndpoint === undefined ? {} : { callbackEndpoint }),
    ...(backDoorEndpoint === undefined ? {} : { backDoorEndpoint }),
    ...(eventBusName === undefined ? {} : { eventBusName }),
    ...(ruleQueueUrl === undefined ? {} : { ruleQueueUrl }),
    ...(kafkaRuleQueueUrl === undefined ? {} : { kafkaRuleQueueUrl }),
    ...(ruleWorkers >= 1 ? { ruleWorkers } : {}),
  };
}
