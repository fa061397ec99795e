/** The functions of the service; each has its entry in `functions/NAME.ts`. */
export const functionNames = [
  'connect',
  'message',
  'disconnect',
  'timer',
  'fanout',
  'admin',
  'publish',
] as const;
export type FunctionName = (typeof functionNames)[number];

export type LogLevel = 'DEBUG' | 'INFO' | 'WARN' | 'ERROR';

/** A host name of your own in front of the API. */
export interface DomainSettings {
  /** Host name, for example `mqtt.example.com`; clients then use `wss://mqtt.example.com/mqtt`. */
  readonly name: string;
  /** ARN of an ACM certificate for the name, in the region of the stack (API Gateway's domains are regional). */
  readonly certificateArn: string;
  /** Route 53 zone in which an alias record is made. Default: none; point the name at output `DomainTarget`. */
  readonly hostedZone?: { readonly id: string; readonly name: string };
}

/** Everything that may differ between deployments. */
export interface StageSettings {
  /** CloudFormation stack name; give each deployment in one account and region its own. */
  readonly stackName: string;
  /**
   * Whether tables and logs outlive the stack: deletion protection and retention of tables, retention of log
   * groups and termination protection of the stack. `false` deletes everything with the stack.
   */
  readonly retainData: boolean;
  /** Days of point-in-time recovery, 1 to 35; 0 switches it off. Billed by stored gigabyte. */
  readonly pointInTimeRecoveryDays: number;
  /** Days that function and access logs are kept; one of the values that CloudWatch Logs offers. */
  readonly logRetentionDays: number;
  /** Level of the functions' own logs. */
  readonly logLevel: LogLevel;
  /** Whether Lambda writes its START, END and REPORT lines: two or three lines for every frame of every client. */
  readonly logInvocations: boolean;
  /**
   * Limits of all routes together, per second. An account has 10,000 requests a second with a burst of 5,000,
   * shared by all its APIs and by `@connections` posts.
   */
  readonly throttle: { readonly requestsPerSecond: number; readonly burstRequests: number };
  /** Memory in MB, 128 to 10,240. CPU comes in proportion: 1,769 MB are one whole processor. */
  readonly memoryMegabytes: Readonly<Record<FunctionName, number>>;
  /** Timer invocations at once, 2 to 1,000, so that a storm of timers leaves concurrency to clients. */
  readonly timerMaxConcurrency: number;
  /**
   * Fan-out invocations at once, 2 to 1,000: they bound how much of the account's rate of `@connections` posts large
   * audiences take from everybody else.
   */
  readonly fanoutMaxConcurrency: number;
  /**
   * Whether the stack gives API Gateway its role for CloudWatch Logs. That role is one setting per account and
   * region and WebSocket stages cannot have access logs without it; `false` where the account has one already.
   */
  readonly createApiGatewayLogRole: boolean;
  /** Address that alarms are sent to. Default: none; alarms then show on the console and dashboard only. */
  readonly alarmEmail?: string;
  readonly domain?: DomainSettings;
  /**
   * EventBridge bus, by name (`default` is the account's own), that is told of connections and their ends. Billed by
   * event, two for every connection. Default: none.
   */
  readonly eventBusName?: string;
  /**
   * Whether the usage of each tenant goes to CloudWatch as metrics too. Billed by CloudWatch for each tenant and metric
   * (seven of them), so by default it is in table Usage alone.
   */
  readonly tenantMetrics: boolean;
}

export const presetNames = ['dev', 'prod'] as const;
export type PresetName = (typeof presetNames)[number];

/** Memory figures are starting points: enough CPU for one signature check and a short start. */
const memoryMegabytes = {
  connect: 512,
  message: 1024,
  disconnect: 512,
  timer: 512,
  fanout: 1024,
  admin: 512,
  publish: 1024,
} as const;

export const presets: Readonly<Record<PresetName, StageSettings>> = {
  /** For trying things: cheap, and gone without trace when the stack is destroyed. */
  dev: {
    stackName: 'WispDev',
    retainData: false,
    pointInTimeRecoveryDays: 0,
    logRetentionDays: 7,
    logLevel: 'DEBUG',
    logInvocations: true,
    throttle: { requestsPerSecond: 1_000, burstRequests: 500 },
    memoryMegabytes,
    timerMaxConcurrency: 10,
    fanoutMaxConcurrency: 10,
    createApiGatewayLogRole: true,
    tenantMetrics: false,
  },
  /** For users: nothing is lost by a mistake, and the whole request rate of the account may be used. */
  prod: {
    stackName: 'Wisp',
    retainData: true,
    pointInTimeRecoveryDays: 35,
    logRetentionDays: 90,
    logLevel: 'INFO',
    logInvocations: false,
    throttle: { requestsPerSecond: 10_000, burstRequests: 5_000 },
    memoryMegabytes,
    timerMaxConcurrency: 100,
    fanoutMaxConcurrency: 100,
    createApiGatewayLogRole: true,
    tenantMetrics: false,
  },
};
