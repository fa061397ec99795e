import { type Command, InvalidArgumentError, Option } from 'commander';
import { isTenantName } from '../auth/index.ts';
import { originListForm, parseOriginList } from '../core/origins.ts';
import { defaultSettings } from '../core/settings.ts';
import { parseDuration } from './duration.ts';

/** For `--log-level`. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;

/** Adds the flags that select a deployment. */
export function addTargetOptions(command: Command): Command {
  return command
    .addOption(new Option('--stack <name>', 'CloudFormation stack of the deployment').env('WISP_STACK'))
    .addOption(
      new Option('--tenants-table <name>', 'its Tenants table, if not by stack').env('WISP_TENANTS_TABLE'),
    )
    .addOption(
      new Option('--local-port <port>', 'gateway port of the local service, if several run')
        .env('WISP_LOCAL_PORT')
        .argParser(parsePort),
    )
    .option('--region <region>', 'AWS region (default: AWS_REGION or the profile)')
    .addOption(new Option('--endpoint <url>', 'endpoint of an AWS emulator').env('WISP_ENDPOINT'));
}

export function parseTenantName(value: string): string {
  if (!isTenantName(value)) {
    throw new InvalidArgumentError('1 to 63 characters of a-z, 0-9 and "-"; no "-" at either end.');
  }
  return value;
}

export function parsePort(value: string): number {
  const number = Number(value);
  if (!/^\d{1,5}$/.test(value) || number > 65_535)
    throw new InvalidArgumentError('0 to 65535; 0 picks a free one.');
  return number;
}

export function parseOrigins(value: string): readonly string[] {
  const origins = parseOriginList(value);
  if (origins === undefined) throw new InvalidArgumentError(`${originListForm}.`);
  return origins;
}

export function parseTtl(value: string): number {
  const seconds = parseDuration(value);
  if (seconds === undefined) {
    throw new InvalidArgumentError('a number with s, m, h or d, such as 90s, 15m, 1h, 7d (at most 3650d).');
  }
  return seconds;
}

/** Time for which an operator observes a tenant, in seconds: at most an hour. */
export function parseObserveTime(value: string): number {
  const seconds = parseDuration(value);
  if (seconds === undefined || seconds > defaultSettings.maxObserverSeconds)
    throw new InvalidArgumentError('a number with s, m or h, such as 90s, 15m, 1h (at most 1h).');
  return seconds;
}

export function parseCount(value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError('a whole number from 1.');
  return Number(value);
}

export function parseQos(value: string): number {
  if (!/^[012]$/.test(value)) throw new InvalidArgumentError('0, 1 or 2.');
  return Number(value);
}

export function collectValues(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

/** The description in `--help` of a command whose summary says everything. */
export function asSentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}
