import { isIPv4 } from 'node:net';
import { originListForm, parseOriginList } from '../lib/core/origins.ts';
import { type TableKind, tableNames } from '../lib/store/schema.ts';
import { defaultRequestsPerSecond } from './account-quotas.ts';
import { readEdge } from './read-edge-settings.ts';
import { readRules } from './read-rule-settings.ts';
import {
  type ReadContext,
  readChoice,
  readCount,
  readQuota,
  readSwitch,
  readText,
  SettingsError,
} from './read-values.ts';
import {
  allFunctionNames,
  type DomainSettings,
  logLevels,
  logRetentionChoices,
  logRoleChoices,
  presetNames,
  presets,
  type StageSettings,
} from './settings.ts';
import { unknownSetting } from './unknown-setting.ts';

/**
 * Settings of this deployment: the preset `-c stage=dev|prod` (default `dev`, the disposable one),
 * changed by
 * - `-c stackName=…`, `-c alarmEmail=…`, `-c eventBusName=…`
 * - `-c publishOrigins=https://…,…`, `*` or `none`
 * - `-c alarms=true|false`, `-c accessLog=true|false`, `-c tenantMetrics=true|false`
 * - `-c apiGatewayLogRole=auto|create|existing`, `-c protect=true|false`
 * - `-c accountRequestsPerSecond=…`, `-c accountConcurrency=…`, `-c reserveConcurrency=true|false`
 * - `-c routeShares=default:0.5,connect:0.05`, `-c memoryMegabytes=message:2048`
 * - `-c timerMaxConcurrency=…`, `-c fanoutMaxConcurrency=…`
 * - `-c tables=sessions:NAME,…`
 * - `-c logLevel=DEBUG|INFO|WARN|ERROR`, `-c logRetentionDays=…`
 * - `-c domainName=…` with `-c certificateArn=…`, and for a Route 53 record `-c hostedZoneId=…` and
 *   `-c hostedZoneName=…`
 * - `-c inbound=on|off`, `-c xray=on|off`
 * - `-c edge=on|external|off` with the settings of cdk/read-edge-settings.ts
 * - `-c rules=on|off` with the settings of cdk/read-rule-settings.ts
 *
 * @param region region of the deployment if known: it has a default quota of requests, and a
 *   certificate of another region is refused.
 * @throws SettingsError when a value is missing or cannot work.
 */
export function readSettings(context: ReadContext, region?: string): StageSettings {
  const preset = presets[readChoice(context, 'stage', presetNames, 'dev')];
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
  const inbound = readChoice(context, 'inbound', ['on', 'off'], 'off');
  const xray = readChoice(context, 'xray', ['on', 'off'], 'off');
  const edge = readEdge(context, region);
  const rules = readRules(context);
  const existingTables = readTables(context);
  return {
    ...preset,
    stackName,
    protect: readSwitch(context, 'protect', preset.protect),
    apiGatewayLogRole: readChoice(context, 'apiGatewayLogRole', logRoleChoices, preset.apiGatewayLogRole),
    publishOrigins: readOrigins(context) ?? preset.publishOrigins,
    tenantMetrics: readSwitch(context, 'tenantMetrics', preset.tenantMetrics),
    alarms: readSwitch(context, 'alarms', preset.alarms),
    reserveConcurrency: readSwitch(context, 'reserveConcurrency', preset.reserveConcurrency),
    ...(region === undefined ? {} : { accountRequestsPerSecond: defaultRequestsPerSecond(region) }),
    ...readQuota(context, 'accountRequestsPerSecond'),
    ...readQuota(context, 'accountConcurrency'),
    accessLog: readSwitch(context, 'accessLog', preset.accessLog),
    logLevel: readChoice(context, 'logLevel', logLevels, preset.logLevel),
    logRetentionDays: Number(
      readChoice(context, 'logRetentionDays', logRetentionChoices, String(preset.logRetentionDays)),
    ),
    memoryMegabytes: readParts(context, 'memoryMegabytes', allFunctionNames, preset.memoryMegabytes, {
      min: 128,
      max: 10_240,
      whole: true,
    }),
    routeShares: readRouteShares(context, preset),
    ...readCount(context, 'timerMaxConcurrency', 4),
    ...readCount(context, 'fanoutMaxConcurrency', 2),
    ...(alarmEmail === undefined ? {} : { alarmEmail }),
    ...(domain === undefined ? {} : { domain }),
    ...(inbound === 'on' ? { inbound: true } : {}),
    ...(xray === 'on' ? { tracing: true } : {}),
    ...(edge === undefined ? {} : { edge }),
    ...(rules === undefined ? {} : { rules }),
    ...(existingTables === undefined ? {} : { existingTables }),
    ...(eventBusName === undefined ? {} : { eventBusName }),
  };
}

/** Names of all settings of the command line. */
function settingNames(): string[] {
  const names = new Set<string>();
  readSettings((name) => void names.add(name));
  return [...names];
}

/**
 * Refuses context values that are no setting, which would otherwise deploy without the setting that
 * was meant.
 * @param given names of all context values, those of the CDK included.
 * @throws SettingsError that names the setting that is nearest.
 */
export function refuseUnknownSettings(given: readonly string[]): void {
  const unknown = unknownSetting(given, settingNames());
  if (unknown === undefined) return;
  const { name, nearest } = unknown;
  throw new SettingsError(
    nearest === undefined
      ? `${name}: there is no such setting; docs/deploying.md lists all`
      : `${name}: there is no such setting; did you mean ${nearest}?`,
  );
}

/**
 * Refuses a deployment that would replace existing tables by new, empty ones because `-c tables` is
 * missing.
 * @param deployed setting of the last deployment; undefined if it had none or is not known.
 * @throws SettingsError
 */
export function refuseForgottenTables(deployed: string | undefined, { existingTables }: StageSettings): void {
  if (deployed === undefined || existingTables !== undefined) return;
  throw new SettingsError(
    `tables is missing: without it the stack gets new, empty tables. It was last deployed with -c tables=${deployed}`,
  );
}

/** Existing tables, `KIND:NAME,…`. */
function readTables(context: ReadContext): StageSettings['existingTables'] {
  const text = readText(context, 'tables');
  if (text === undefined) return undefined;
  const named: Partial<Record<TableKind, string>> = {};
  for (const one of text.split(',')) {
    const [, key, name] = /^(\w+):([A-Za-z0-9_.-]{3,255})$/.exec(one.trim()) ?? [];
    const kind = tableNames.find((candidate) => candidate === key);
    if (kind === undefined || name === undefined)
      throw new SettingsError(`tables: KIND:NAME,… with any of ${tableNames.join(', ')}; not "${one}"`);
    named[kind] = name;
  }
  return named;
}

/** Shares of requests, by the route without its "$", which shells would replace. */
function readRouteShares(context: ReadContext, { routeShares }: StageSettings): StageSettings['routeShares'] {
  const names = ['connect', 'default', 'oneway', 'disconnect', 'http'] as const;
  const { $connect, $default, $disconnect, oneway, http } = routeShares;
  const preset = { connect: $connect, default: $default, disconnect: $disconnect, oneway, http };
  const shares = readParts(context, 'routeShares', names, preset, { min: 0.001, max: 1, whole: false });
  return {
    $connect: shares.connect,
    $default: shares.default,
    oneway: shares.oneway,
    $disconnect: shares.disconnect,
    http: shares.http,
  };
}

/** Origins of pages, as browsers send them: no path and no final slash. */
function readOrigins(context: ReadContext): readonly string[] | undefined {
  const text = readText(context, 'publishOrigins');
  if (text === undefined) return undefined;
  const origins = parseOriginList(text);
  if (origins === undefined) throw new SettingsError(`publishOrigins: ${originListForm}`);
  return origins;
}

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly whole: boolean;
}

/** Numbers of several parts, `PART:NUMBER,…`; parts that are not named keep the preset. */
function readParts<Part extends string>(
  context: ReadContext,
  name: string,
  parts: readonly Part[],
  preset: Readonly<Record<Part, number>>,
  { min, max, whole }: Bounds,
): Record<Part, number> {
  const changed: Record<Part, number> = { ...preset };
  for (const one of readText(context, name)?.split(',') ?? []) {
    const [, key, text = ''] = /^(\w+):(\d+(?:\.\d+)?)$/.exec(one.trim()) ?? [];
    const part = parts.find((candidate) => candidate === key);
    const value = Number(text);
    if (part === undefined || value < min || value > max || (whole && !Number.isInteger(value))) {
      throw new SettingsError(
        `${name}: PART:NUMBER,… with ${min} to ${max} for any of ${parts.join(', ')}; not "${one}"`,
      );
    }
    changed[part] = value;
  }
  return changed;
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
