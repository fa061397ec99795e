import { readFileSync } from 'node:fs';

/** The two versions of MQTT that Wisp speaks, as they stand in `docs/conformance.json`. */
export const versions = ['3.1.1', '5.0'] as const;
export type Version = (typeof versions)[number];

/**
 * - `enforced`: code and a test carry its tag.
 * - `not-applicable`: binds clients only, or a server that lacks what Wisp has (then with a reason).
 * - `gap`: known not to hold, with the reason.
 * - `pending`: not yet looked at; refused by `--strict`.
 */
export const statuses = ['enforced', 'not-applicable', 'gap', 'pending'] as const;
export type Status = (typeof statuses)[number];

const concernsOf = ['server', 'client', 'both'] as const;

/** A normative statement of the specification, in our own words. */
export interface Statement {
  /** As in `MQTT-3.1.4-3`. Unique within its version only. */
  readonly id: string;
  readonly version: Version;
  /** One line. */
  readonly summary: string;
  /** Whom it binds; `both` also where a client must and the server has to notice when it does not. */
  readonly concerns: (typeof concernsOf)[number];
  /** About the network connection or WebSocket frames: met by the bridge and the wire profile. */
  readonly transport?: true;
  readonly status: Status;
  /** Required for `gap`, and for `not-applicable` where a server is concerned; a remark elsewhere. */
  readonly reason?: string;
  /** On statements of 3.1.1: the one of 5.0 that says the same or its part of it. */
  readonly counterpart?: string;
}

export interface StatementList {
  /** Addresses of the specifications. */
  readonly specifications: Readonly<Record<Version, string>>;
  readonly statements: readonly Statement[];
}

/** Reads `docs/conformance.json`. Its contents are checked by {@link listProblems}. */
export function readStatements(path: string): StatementList {
  return JSON.parse(readFileSync(path, 'utf8')) as StatementList;
}

/** `3.1.4-3` as numbers, to sort by: sections and statements in the order of the specification. */
export function compareIds(left: string, right: string): number {
  const a = left.match(/\d+/g) ?? [];
  const b = right.match(/\d+/g) ?? [];
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = Number(a[index] ?? -1) - Number(b[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether a server has anything to do with it. */
export function concernsServer(statement: Statement): boolean {
  return statement.concerns !== 'client';
}

/** What is wrong with the list itself, one sentence each. */
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
    if (seen.has(name)) complain('stands there twice');
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
      complain(`names the counterpart ${one.counterpart}, which is no statement of 5.0`);
    }
  }
  return problems;
}
