import type { TableKind } from '../lib/store/schema.ts';

/** Environment variables of the functions. Names are shared with the handlers. */
export const tableVariables: Readonly<Record<TableKind, string>> = {
  connections: 'CONNECTIONS_TABLE',
  sessions: 'SESSIONS_TABLE',
  subscriptions: 'SUBSCRIPTIONS_TABLE',
  retained: 'RETAINED_TABLE',
  tenants: 'TENANTS_TABLE',
};

/** URL of the `@connections` API, without it. Never derived from an event: a custom domain would break it. */
export const callbackEndpointVariable = 'CALLBACK_ENDPOINT';
export const timerQueueVariable = 'TIMER_QUEUE_URL';
export const logLevelVariable = 'LOG_LEVEL';
