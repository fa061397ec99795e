import { escapeControls } from '../../core/escape-controls.ts';

/** A rule in the answers of the admin API (docs/openapi.json), as far as commands show it. */
export interface RuleView {
  readonly name: string;
  readonly filter: string;
  readonly where?: string;
  readonly send: { readonly form: string; readonly template?: string };
  readonly target: Readonly<Record<string, unknown>> & { readonly kind: string };
  readonly status: 'active' | 'paused';
  readonly retryHours: number;
  readonly owner?: string;
  readonly pausedBy?: 'operator';
  readonly createdAt: string;
  readonly revision: number;
  readonly circuit: { readonly failures: number; readonly openUntil?: string };
  readonly lastFailure?: { readonly code: string; readonly at: string; readonly message?: string };
}

/** A rule with what only `show` reads. */
export interface RuleDetails extends RuleView {
  readonly secret?: { readonly since?: string; readonly hasPrevious: boolean };
  readonly waiting: Count;
  readonly failures: Count;
}

interface Count {
  readonly count: number;
  /** There are more. */
  readonly more: boolean;
}

export interface FailureView {
  readonly id: string;
  readonly topic: string;
  readonly code: string;
  readonly payloadBytes: number;
  readonly publishedAt: string;
  readonly failedAt: string;
}

/** A line of `wisp rule list`. */
export function ruleLine(rule: RuleView): string {
  const { name, filter, target } = rule;
  return `${name.padEnd(24)}  ${stateOf(rule).padEnd(8)}  ${target.kind.padEnd(11)}  ${escapeControls(filter)}`;
}

/** `failing` while the circuit is open: messages wait for the target. */
function stateOf({ status, circuit }: RuleView): string {
  return status === 'active' && circuit.openUntil !== undefined ? 'failing' : status;
}

/** The lines of `wisp rule show`. */
export function ruleLines(rule: RuleDetails): string[] {
  const { kind, ...target } = rule.target;
  const { circuit, lastFailure, secret } = rule;
  return table([
    ['status', rule.pausedBy === undefined ? stateOf(rule) : 'paused by the operator'],
    ['filter', rule.filter],
    ['where', rule.where],
    ['send', rule.send.template ?? rule.send.form],
    ['target', `${kind} ${Object.entries(target).map(memberText).join(' ')}`],
    ['secret', secret === undefined ? undefined : secretText(secret)],
    ['retry hours', String(rule.retryHours)],
    ['owner', rule.owner ?? '(operator)'],
    ['created', `${rule.createdAt}, revision ${rule.revision}`],
    ['circuit', circuitText(circuit)],
    ['waiting', countText(rule.waiting)],
    ['failures', countText(rule.failures)],
    [
      'last failure',
      lastFailure === undefined
        ? 'none'
        : [lastFailure.at, lastFailure.code, lastFailure.message]
            .filter((part) => part !== undefined)
            .join('  '),
    ],
  ]);
}

function memberText([name, value]: readonly [string, unknown]): string {
  return typeof value === 'string' && /^[\w:/.@#+-]+$/.test(value)
    ? `${name}=${value}`
    : `${name}=${JSON.stringify(value)}`;
}

function secretText({ since, hasPrevious }: NonNullable<RuleDetails['secret']>): string {
  const current = since === undefined ? 'not set: "wisp rule secret" sets one' : `since ${since}`;
  return hasPrevious ? `${current}; the previous one signs too` : current;
}

function circuitText({ failures, openUntil }: RuleView['circuit']): string {
  const inARow = failures === 0 ? '' : `, ${failures} failed attempts in a row`;
  return openUntil === undefined ? `closed${inARow}` : `open, next attempt at ${openUntil}${inARow}`;
}

function countText({ count, more }: Count): string {
  return more ? `${count} or more` : String(count);
}

export function failureLine({ failedAt, code, payloadBytes, id, topic }: FailureView): string {
  return `${failedAt}  ${code.padEnd(24)}  ${String(payloadBytes).padStart(6)} B  ${id}  ${escapeControls(topic)}`;
}

/** Names and values in two columns, without those that are undefined. */
function table(rows: readonly (readonly [string, string | undefined])[]): string[] {
  const shown = rows.filter(([, value]) => value !== undefined);
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${escapeControls(value ?? '')}`);
}
