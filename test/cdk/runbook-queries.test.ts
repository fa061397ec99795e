import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const logModule = fileURLToPath(new URL('../../lib/aws/log.ts', import.meta.url));

/**
 * Lines as they reach the log group of a function. Those of Lambda's runtime are composed from its
 * source (aws-lambda-nodejs-runtime-interface-client, src/LogPatch.js: an error alone is the
 * message, one among other values stands beside it) and from the schema of platform events
 * (https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html).
 */
const lines = {
  invocationFailed: {
    timestamp: '2026-11-28T10:00:00.000Z',
    level: 'ERROR',
    requestId: '79b4f56e-95b1-4643-9700-2807f4e68189',
    message: {
      errorType: 'ItemVersionError',
      errorMessage: 'session row of format 9',
      stackTrace: ['ItemVersionError: session row of format 9', '    at read (/var/task/index.js:1:1)'],
    },
  },
  loggedWithOthers: {
    timestamp: '2026-11-28T10:00:00.000Z',
    level: 'ERROR',
    message: 'Unhandled Error: socket hang up',
    errorType: 'Error',
    errorMessage: 'socket hang up',
    stackTrace: ['Error: socket hang up'],
  },
  logged: await lineOf('a slice of a fan-out failed', { tenant: 'acme', error: 'TimeoutError' }),
  information: { level: 'INFO', message: 'connected', service: 'Wisp' },
  timedOut: {
    time: '2026-11-28T10:00:28.000Z',
    type: 'platform.report',
    record: {
      requestId: '79b4f56e-95b1-4643-9700-2807f4e68189',
      metrics: { durationMs: 28_000, memorySizeMB: 1_024 },
      status: 'timeout',
    },
  },
  succeeded: {
    time: '2026-11-28T10:00:28.000Z',
    type: 'platform.report',
    record: { requestId: '79b4f56e-95b1-4643-9700-2807f4e68189', status: 'success' },
  },
};

/** The line that the service writes for an error, by its own logger. */
async function lineOf(message: string, fields: Readonly<Record<string, string>>): Promise<object> {
  const code = `import { createPowertoolsLog } from ${JSON.stringify(logModule)};
    createPowertoolsLog().error(${JSON.stringify(message)}, ${JSON.stringify(fields)});`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', code];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  const line = (stdout + stderr).split('\n').find((text) => text.startsWith('{')) ?? '';
  return JSON.parse(line) as object;
}

/** Lines of the access log. */
const accessLines = {
  integrationFailed: {
    route: '$default',
    status: '500',
    error: '-',
    integrationError: 'Endpoint request timed out',
  },
  throttled: { route: '$default', status: '429', error: 'Too Many Requests', integrationError: '-' },
  served: { route: '$default', status: '200', error: '-', integrationError: '-' },
} as const;
/** The queries in the section of an alarm. */
const page = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
const queriesOf = (section: string): string[] => {
  const text = page.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? '';
  return [...text.matchAll(/`([^`]*\bfilter [^`]*)`/g)].map(([, query = '']) => query);
};

function valueAt(line: object, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], line);
}

/** The filters that the page uses: comparisons with a text, joined by `and` or by `or`. */
function matches(query: string, line: object): boolean {
  const filter = /\bfilter ([^|]+)/.exec(query)?.[1]?.trim() ?? '';
  const test = (comparison: string): boolean => {
    const [, path = '', operator, text] = /^([\w.]+) (!?=) "([^"]*)"$/.exec(comparison.trim()) ?? [];
    if (operator === undefined) throw new Error(`the test does not know this filter: ${comparison}`);
    const value = valueAt(line, path);
    return value !== undefined && (value === text) === (operator === '=');
  };
  if (filter.includes(' or ')) return filter.split(' or ').some(test);
  return filter.split(' and ').every(test);
}

const found = (query: string | undefined, among: Readonly<Record<string, object>> = lines): string[] =>
  Object.entries(among).flatMap(([name, line]) => (matches(query ?? '', line) ? [name] : []));

describe('the queries of the runbook', () => {
  it('find errors that ended an invocation, and those that the service logged, with name and reason', () => {
    const [errors = ''] = queriesOf('FunctionErrors');
    expect(found(errors)).toEqual(['invocationFailed', 'loggedWithOthers', 'logged']);
    const shown = [...errors.matchAll(/coalesce\(([^)]+)\)/g)].map(([, paths = '']) => paths.split(', '));
    const values = (line: object) =>
      shown.map((paths) => paths.map((path) => valueAt(line, path)).find(Boolean));
    expect(values(lines.invocationFailed)).toEqual(['ItemVersionError', 'session row of format 9']);
    expect(values(lines.loggedWithOthers)).toEqual(['Error', 'socket hang up']);
    expect(values(lines.logged)).toEqual(['TimeoutError', 'a slice of a fan-out failed']);
  });

  it('find timeouts', () => {
    expect(found(queriesOf('FunctionErrors')[1])).toEqual(['timedOut']);
  });

  it('find slices that failed', () => {
    expect(found(queriesOf('FanoutDead')[0])).toEqual(['logged']);
  });

  it('find what API Gateway refused or could not do', () => {
    expect(found(queriesOf('GatewayErrors')[0], accessLines)).toEqual(['integrationFailed', 'throttled']);
  });
});
