import type { TableKind } from '../lib/store/schema.ts';
import type { EdgeSettings } from './edge-settings.ts';
import type { RuleSettings } from './rule-settings.ts';

/** The functions of every deployment; each has its entry point in `functions/NAME.ts`. */
export const functionNames = [
  'connect',
  'message',
  'disconnect',
  'timer',
  'fanout',
  'admin',
  'publish',
] as const;
/** That of a deployment with an inbound queue: `functions/inbound.ts`. */
const inboundFunctionNames = ['inbound'] as const;
/** Those that only a deployment with an edge has: `functions/back-door.ts`. */
const edgeFunctionNames = ['backDoor'] as const;
/** Those that only a deployment with rules has. */
const ruleFunctionNames = ['rule', 'ruleKafka', 'ownRules'] as const;
export const allFunctionNames = [
  ...functionNames,
  ...edgeFunctionNames,
  ...ruleFunctionNames,
  ...inboundFunctionNames,
] as const;
export type FunctionName = (typeof allFunctionNames)[number];

/** The routes of the WebSocket API, and every route of the HTTP API. */
export type RouteName = '$connect' | '$default' | 'oneway' | '$disconnect' | 'http';

export const logLevels = ['DEBUG', 'INFO', 'WARN', 'ERROR'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Days that CloudWatch Logs can keep logs for, those up to ten years. */
export const logRetentionChoices =
  '1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653'.split(' ');

export const logRoleChoices = ['auto', 'create', 'existing'] as const;
export type LogRoleChoice = (typeof logRoleChoices)[number];

/** A custom domain in front of the API. */
export interface DomainSettings {
  /**
   * Host name, for example `mqtt.example.com`. Clients then connect to
   * `wss://mqtt.example.com/mqtt`.
   */
  readonly name: string;
  /** ARN of an ACM certificate for the name in the stack's region: the domain is regional. */
  readonly certificateArn: string;
  /**
   * Route 53 zone that gets an alias record. Default: none; point the name at output `DomainTarget`
   * yourself.
   */
  readonly hostedZone?: { readonly id: string; readonly name: string };
}

/** Settings of one deployment. */
export interface StageSettings {
  /** CloudFormation stack name, unique within account and region. */
  readonly stackName: string;
  /**
   * Whether tables and logs outlive the stack. `false` deletes everything with the stack. Those of
   * a first deployment that fails are deleted in any case.
   */
  readonly retainData: boolean;
  /**
   * Whether AWS refuses to delete the tables, and the stack itself (termination protection). With
   * `true` a first deployment that fails can be neither rolled back completely nor repeated, so the
   * app takes `false` until the stack stands. Tables are protected only with `retainData`.
   */
  readonly protect: boolean;
  /** Days of point-in-time recovery, 1 to 35; 0 disables it. Billed by stored gigabyte. */
  readonly pointInTimeRecoveryDays: number;
  /** Days that function and access logs are kept: one of the values that CloudWatch Logs allows. */
  readonly logRetentionDays: number;
  /**
   * Whether API Gateway logs one line for each frame, handshake and close: about $0.18 for a
   * million of them by list price.
   */
  readonly accessLog: boolean;
  /** Level of the functions' own logs. */
  readonly logLevel: LogLevel;
  /**
   * Whether functions send traces to AWS X-Ray, and may do so: by default one invocation a second
   * and 5 % of the rest, $5 for a million of them.
   */
  readonly tracing?: true;
  /**
   * Whether Lambda writes START, END and REPORT lines: two or three lines for every frame of every
   * client.
   */
  readonly logInvocations: boolean;
  /**
   * Requests per second that API Gateway gives the account in the region, to all its APIs and
   * `@connections` posts together (Service Quotas). Default: what AWS gives in the region if that
   * is known at synthesis (2,500 in 13 newer ones), else 10,000.
   */
  readonly accountRequestsPerSecond?: number;
  /**
   * Share of the account's requests per second that each route may use, so that frames cannot
   * starve handshakes, and the service leaves a part to its posts and to other APIs. Of `http` each
   * route has the whole share.
   */
  readonly routeShares: Readonly<Record<RouteName, number>>;
  /**
   * Whether each function has a part of the account's concurrency that no other can use, and no
   * more than that. Needs `accountConcurrency`.
   */
  readonly reserveConcurrency: boolean;
  /**
   * Concurrent executions that Lambda gives the account in the region (Service Quotas): 1,000 by
   * default, 10 in new accounts. Below 200 nothing is reserved, because AWS keeps 100 unreserved.
   * Default: unknown, and nothing is reserved.
   */
  readonly accountConcurrency?: number;
  /** Share of the account's concurrency, without the 100 that AWS keeps, of each function. */
  readonly concurrencyShares: Readonly<Record<FunctionName, number>>;
  /** Memory in MB, 128 to 10,240. CPU is proportional: 1,769 MB are one vCPU. */
  readonly memoryMegabytes: Readonly<Record<FunctionName, number>>;
  /**
   * Concurrent timer invocations, 4 to 1,000, half of them for looks at connections, so that many
   * timers at once leave concurrency for clients.
   */
  readonly timerMaxConcurrency: number;
  /**
   * How long looks at connections are gathered before an invocation, 0 to 300 seconds. Looks of a
   * tenant that are due together become one message; their delays differ by up to one second. With
   * any value above 0 Lambda may wait for up to 20 seconds where there is little traffic.
   */
  readonly lookBatchingWindowSeconds: number;
  /**
   * Concurrent fan-out invocations, 2 to 1,000. They bound the share of the account's rate of
   * `@connections` posts that large audiences use.
   */
  readonly fanoutMaxConcurrency: number;
  /**
   * Whether the stack sets API Gateway's role for CloudWatch Logs, one setting per account and
   * region, which WebSocket stages need for access logs. `auto`: only where the account has none.
   * `create`: always. `existing`: never; the account must have one.
   */
  readonly apiGatewayLogRole: LogRoleChoice;
  /**
   * E-mail address that alarms are sent to. Default: none; alarms show on the console and dashboard
   * only.
   */
  readonly alarmEmail?: string;
  /** An SQS queue whose messages become publishes (docs/inbound.md). Default: none of it exists. */
  readonly inbound?: true;
  readonly domain?: DomainSettings;
  /** Stock MQTT clients over TCP, TLS and WebSockets (docs/edge.md). Default: none of it exists. */
  readonly edge?: EdgeSettings;
  /** Rules (docs/rules.md). Default: none of it exists, and the admin API stores no rules. */
  readonly rules?: RuleSettings;
  /**
   * Tables that exist already, by kind: those that an earlier stack left behind, or restored ones.
   * The stack uses them and never changes or deletes them. Give them at every deployment. Default:
   * none, and the stack makes its tables.
   */
  readonly existingTables?: Readonly<Partial<Record<TableKind, string>>>;
  /**
   * Name of an EventBridge bus (`default` is the account's own) that receives connection events.
   * Billed by event, two for every connection. Default: none.
   */
  readonly eventBusName?: string;
  /**
   * Origins whose pages may publish over HTTP (CORS), such as `https://app.example.com`; `*` means
   * all, an empty list none. A tenant's token is needed in any case.
   */
  readonly publishOrigins: readonly string[];
  /**
   * Whether the usage of each tenant is also written as CloudWatch metrics. CloudWatch bills each
   * tenant and metric (seven of them).
   */
  readonly tenantMetrics: boolean;
  /**
   * Whether the stack has alarms and a dashboard: 29 alarm metrics, $2.90 a month by list price,
   * and with an edge 6, with rules 3 to 5 and with an inbound queue 2 more. An `alarmEmail` turns
   * them on.
   */
  readonly alarms: boolean;
}

export const presetNames = ['dev', 'prod'] as const;
export type PresetName = (typeof presetNames)[number];

/** Starting points: enough CPU for one signature check and a short cold start. */
const memoryMegabytes = {
  connect: 512,
  message: 1024,
  disconnect: 512,
  timer: 512,
  fanout: 1024,
  admin: 512,
  inbound: 1024,
  publish: 1024,
  backDoor: 256,
  rule: 1024,
  ruleKafka: 1024,
  ownRules: 512,
} as const;

/**
 * The largest parts are for what clients wait for. `timer` and `fanout` get the concurrency of
 * their queues in an account with 1,000. `rule` gets more than the 64 that
 * one rule may occupy. Without rules an eighth is left to other functions of the account.
 */
const concurrencyShares = {
  message: 0.42,
  timer: 0.12,
  fanout: 0.12,
  connect: 0.08,
  inbound: 0.01,
  publish: 0.07,
  disconnect: 0.05,
  admin: 0.02,
  backDoor: 0.01,
  rule: 0.08,
  ruleKafka: 0.01,
  ownRules: 0.01,
} as const;

export const presets: Readonly<Record<PresetName, StageSettings>> = {
  /** For trials: cheap, and deleted completely with the stack. */
  dev: {
    stackName: 'WispDev',
    retainData: false,
    protect: false,
    pointInTimeRecoveryDays: 0,
    logRetentionDays: 7,
    accessLog: false,
    logLevel: 'DEBUG',
    logInvocations: true,
    routeShares: { $connect: 0.01, $default: 0.06, oneway: 0.02, $disconnect: 0.01, http: 0.01 },
    reserveConcurrency: false,
    concurrencyShares,
    memoryMegabytes,
    timerMaxConcurrency: 10,
    lookBatchingWindowSeconds: 2,
    fanoutMaxConcurrency: 10,
    apiGatewayLogRole: 'auto',
    publishOrigins: ['*'],
    tenantMetrics: false,
    alarms: false,
  },
  /**
   * For production: data survives mistakes, and clients may use four fifths of the account's
   * request rate.
   */
  prod: {
    stackName: 'Wisp',
    retainData: true,
    protect: true,
    pointInTimeRecoveryDays: 35,
    logRetentionDays: 90,
    accessLog: true,
    logLevel: 'INFO',
    logInvocations: false,
    // $connect stays below the 500 new connections a second of an account.
    routeShares: { $connect: 0.04, $default: 0.4, oneway: 0.2, $disconnect: 0.04, http: 0.04 },
    reserveConcurrency: true,
    concurrencyShares,
    memoryMegabytes,
    timerMaxConcurrency: 100,
    lookBatchingWindowSeconds: 2,
    fanoutMaxConcurrency: 100,
    apiGatewayLogRole: 'auto',
    publishOrigins: ['*'],
    tenantMetrics: false,
    alarms: true,
  },
};
