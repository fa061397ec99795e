import { readFileSync } from 'node:fs';

/** Supported versions of MQTT, as docs/conformance.json names them. */
export const versions = ['3.1.1', '5.0'] as const;
export type Version = (typeof versions)[number];

/**
 * - `enforced`: code and a test carry the tag.
 * - `not-applicable`: binds only clients, or servers without a feature that Wisp has (needs a
 *   reason).
 * - `gap`: does not hold, for the reason given.
 * - `pending`: not examined yet. `--strict` rejects it.
 */
export const statuses = ['enforced', 'not-applicable', 'gap', 'pending'] as const;
export type Status = (typeof statuses)[number];

const concernsOf = ['server', 'client', 'both'] as const;

/** Summary of a normative statement of the specification. */
export interface Statement {
  /** Such as `MQTT-3.1.4-3`. Unique only within its version. */
  readonly id: string;
  readonly version: Version;
  /** One line. */
  readonly summary: string;
  /** The bound party. `both` includes client duties whose violation a server must detect. */
  readonly concerns: (typeof concernsOf)[number];
  /** Concerns network connection or WebSocket frames, which bridge and wire profile implement. */
  readonly transport?: true;
  readonly status: Status;
  /** Required for `gap`, and for `not-applicable` if it concerns a server. Otherwise a remark. */
  readonly reason?: string;
  /** Only for 3.1.1: id of the statement of 5.0 with the same content. */
  readonly counterpart?: string;
}

export interface StatementList {
  /** URLs of the specifications. */
  readonly specifications: Readonly<Record<Version, string>>;
  readonly statements: readonly Statement[];
}

/** Reads docs/conformance.json. {@link listProblems} validates its content. */
export function readStatements(path: string): StatementList {
  return JSON.parse(readFileSync(path, 'utf8')) as StatementList;
}

/** Compares ids numerically, for the order of the specification. */
export function compareIds(left: string, right: string): number {
  const a = left.match(/\d+/g) ?? [];
  const b = right.match(/\d+/g) ?? [];
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = Number(a[index] ?? -1) - Number(b[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Returns whether the statement concerns a server. */
export function concernsServer(statement: Statement): boolean {
  return statement.concerns !== 'client';
}

/** Returns the faults of the list, one sentence each. */
export function listProblems(statements: readonly Statement[]): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  const ofFive = new Set(statements.filter((one) => one.version === '5.0').map((one) => one.id));
  for (const one of statements) {
    const name = `${one.id} of ${one.version}`;
    const complain = (what: string): unknown => problems.push(`${name} ${what}`);
    if (!/^MQTT-\d+\.\d+\.\d+-\d+$/.test(one.id)) complain('does not have the form MQTT-x.y.z-n');
    if (!versions.includes(one.version)) complain('is of no known version');
    if (!statuses.includes(one.status)) complain(`has the unknown status "${one.status}"`);
    if (!concernsOf.includes(one.concerns)) complain(`concerns an unknown party "${one.concerns}"`);
    if (!/^\S.{9,}$/.test(one.summary)) complain('needs a summary of one line');
    if (seen.has(name)) complain('is listed twice');
    seen.add(name);
    if (one.reason === '') complain('has an empty reason');
    if (one.status === 'gap' && one.reason === undefined) complain('is a gap without a reason');
    if (one.status === 'not-applicable' && concernsServer(one) && one.reason === undefined) {
      complain('concerns a server and is not applicable without a reason');
    }
    if (one.status === 'pending' && !concernsServer(one)) {
      complain('binds clients only, so it cannot be pending');
    }
    if (one.counterpart !== undefined && (one.version !== '3.1.1' || !ofFive.has(one.counterpart))) {
      complain(`names the counterpart ${one.counterpart}, which is not a statement of 5.0`);
    }
  }
  return problems;
}
