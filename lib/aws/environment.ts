import { type TableKind, type TableNames, tableNames } from '../store/schema.ts';

/** Environment variables of the functions: the stack writes them, the functions read them. */
export const tableVariables: Readonly<Record<TableKind, string>> = {
  connections: 'CONNECTIONS_TABLE',
  sessions: 'SESSIONS_TABLE',
  subscriptions: 'SUBSCRIPTIONS_TABLE',
  messages: 'MESSAGES_TABLE',
  retained: 'RETAINED_TABLE',
  tenants: 'TENANTS_TABLE',
  usage: 'USAGE_TABLE',
};
/** URL of the `@connections` API, without it. Never derived from an event: a custom domain would break it. */
export const callbackEndpointVariable = 'CALLBACK_ENDPOINT';
export const timerQueueVariable = 'TIMER_QUEUE_URL';
/** Absent in functions that publish nothing. */
export const fanoutQueueVariable = 'FANOUT_QUEUE_URL';
/** `true` in functions on an emulator, whose identity provider is on the same machine. The stack never sets it. */
export const allowPrivateIssuersVariable = 'ALLOW_PRIVATE_ISSUERS';
/** Name of the EventBridge bus for lifecycle events; absent: none are sent. */
export const eventBusVariable = 'EVENT_BUS_NAME';
/** `true` in functions that write usage of tenants as metrics too. */
export const tenantMetricsVariable = 'TENANT_METRICS';
export const logLevelVariable = 'LOG_LEVEL';

export interface FunctionEnvironment {
  readonly tables: TableNames;
  /** Absent in functions that do not call the `@connections` API. */
  readonly callbackEndpoint?: string;
  readonly timerQueueUrl: string;
  readonly fanoutQueueUrl: string;
  readonly eventBusName?: string;
  readonly tenantMetrics: boolean;
}

export class EnvironmentError extends Error {
  readonly code = 'environment';
  override readonly name = 'EnvironmentError';
}

/**
 * Reads a function's settings. Tables and the fan-out queue, where the function has no business with them, are absent from its environment; using one
 * fails at the call.
 * @throws EnvironmentError naming the variable that is missing.
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
  return {
    tables,
    timerQueueUrl,
    fanoutQueueUrl: variables[fanoutQueueVariable] ?? `${fanoutQueueVariable} is not set`,
    tenantMetrics: variables[tenantMetricsVariable] === 'true',
    ...(callbackEndpoint === undefined ? {} : { callbackEndpoint }),
    ...(eventBusName === undefined ? {} : { eventBusName }),
  };
}
