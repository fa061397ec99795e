import { isIPv4 } from 'node:net';

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

/** A setting that cannot be deployed; the message is one line that tells what to write instead. */
export class SettingsError extends Error {
  readonly code = 'SETTINGS';
  override readonly name = 'SettingsError';
}

/** Reads one context value (`-c NAME=VALUE`); `undefined` where it is absent. */
export type ReadContext = (name: string) => unknown;

/**
 * Settings of this deployment: the preset that `-c stage=dev|prod` names (default `prod`), changed by
 * `-c stackName=…`, `-c alarmEmail=…`, `-c eventBusName=…`, `-c tenantMetrics=true|false`, `-c apiGatewayLogRole=create|existing`, and
 * `-c domainName=…` with `-c certificateArn=…` and, for a Route 53 record, `-c hostedZoneId=…` and `-c hostedZoneName=…`.
 *
 * @param region region of the deployment where it is known; a certificate of another one is then refused here.
 * @throws SettingsError when a value is missing or cannot work.
 */
export function readSettings(context: ReadContext, region?: string): StageSettings {
  const preset = presets[readChoice(context, 'stage', presetNames, 'prod')];
  const stackName = readText(context, 'stackName') ?? preset.stackName;
  if (!/^[A-Za-z][A-Za-z0-9-]{0,127}$/.test(stackName)) {
    throw new SettingsError('stackName: letters, digits and "-", beginning with a letter, at most 128');
  }
  const alarmEmail = readText(context, 'alarmEmail');
  if (alarmEmail !== undefined && !/^[^\s@]+@[^\s@]+$/.test(alarmEmail)) {
    throw new SettingsError('alarmEmail: not an e-mail address');
  }
  const eventBusName = readText(context, 'eventBusName');
  if (eventBusName !== undefined && !/^[A-Za-z0-9._/-]{1,256}$/.test(eventBusName)) {
    throw new SettingsError('eventBusName: 1 to 256 letters, digits, ".", "_", "/" and "-"; not an ARN');
  }
  const domain = readDomain(context, region);
  const logRole = preset.createApiGatewayLogRole ? 'create' : 'existing';
  return {
    ...preset,
    stackName,
    createApiGatewayLogRole:
      readChoice(context, 'apiGatewayLogRole', ['create', 'existing'], logRole) === 'create',
    tenantMetrics: readSwitch(context, 'tenantMetrics', preset.tenantMetrics),
    ...(alarmEmail === undefined ? {} : { alarmEmail }),
    ...(domain === undefined ? {} : { domain }),
    ...(eventBusName === undefined ? {} : { eventBusName }),
  };
}

function readDomain(context: ReadContext, region: string | undefined): DomainSettings | undefined {
  const name = readText(context, 'domainName');
  const certificateArn = readText(context, 'certificateArn');
  const zoneId = readText(context, 'hostedZoneId');
  const zoneName = readText(context, 'hostedZoneName');
  if (name === undefined) {
    if ((certificateArn ?? zoneId ?? zoneName) === undefined) return undefined;
    throw new SettingsError('domainName is missing: certificateArn and hostedZone… mean nothing without it');
  }
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(name) || isIPv4(name)) {
    throw new SettingsError('domainName: a host name in lower case such as mqtt.example.com');
  }
  if (certificateArn === undefined) {
    throw new SettingsError(
      'certificateArn is missing: a custom domain needs an ACM certificate for its name',
    );
  }
  const certificateRegion = /^arn:[a-z-]+:acm:([a-z0-9-]+):\d{12}:certificate\/\S+$/.exec(
    certificateArn,
  )?.[1];
  if (certificateRegion === undefined) {
    throw new SettingsError('certificateArn: not the ARN of an ACM certificate (arn:aws:acm:…)');
  }
  if (region !== undefined && region !== certificateRegion) {
    throw new SettingsError(
      `certificateArn: the certificate is in ${certificateRegion}, the stack in ${region}; they must be in the same region`,
    );
  }
  if (zoneId === undefined && zoneName === undefined) return { name, certificateArn };
  if (zoneId === undefined || zoneName === undefined) {
    throw new SettingsError('hostedZoneId and hostedZoneName belong together: give both or neither');
  }
  if (name !== zoneName && !name.endsWith(`.${zoneName}`)) {
    throw new SettingsError('hostedZoneName: domainName does not lie in this zone');
  }
  return { name, certificateArn, hostedZone: { id: zoneId, name: zoneName } };
}

function readText(context: ReadContext, name: string): string | undefined {
  const value = context(name);
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new SettingsError(`${name}: a text is expected`);
  return value;
}

/** A context value of `cdk.json` may be a boolean. */
function readSwitch(context: ReadContext, name: string, preset: boolean): boolean {
  const value = context(name);
  if (typeof value === 'boolean') return value;
  return readChoice(context, name, ['true', 'false'], String(preset) as 'true' | 'false') === 'true';
}

function readChoice<Choice extends string>(
  context: ReadContext,
  name: string,
  choices: readonly Choice[],
  preset: Choice,
): Choice {
  const value = readText(context, name) ?? preset;
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) throw new SettingsError(`${name}: one of ${choices.join(', ')}`);
  return choice;
}
