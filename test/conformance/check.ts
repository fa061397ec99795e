import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compare } from './compare.ts';
import { page } from './page.ts';
import type { Statement, StatementList } from './statements.ts';
import { readStatements } from './statements.ts';
import { scan } from './tags.ts';

const listFile = 'docs/conformance.json';
const pageFile = 'docs/conformance.md';

export interface CheckOptions {
  /** Top of the repository. */
  readonly root: string;
  /** Makes pending statements and tags without a version problems. Default: they are notes. */
  readonly strict?: boolean;
  /** Writes the page. Default: compares it. */
  readonly write?: boolean;
  /** Marks pending statements with a code tag and a test tag as enforced. Default: reports them. */
  readonly promote?: boolean;
}

export interface CheckResult {
  /** Empty if list, tags and page agree. */
  readonly problems: readonly string[];
  /** Unfinished work that is allowed. */
  readonly notes: readonly string[];
}

/** Compares docs/conformance.json, the tags in lib, functions and test, and docs/conformance.md. */
export function check({ root, strict = false, write = false, promote = false }: CheckOptions): CheckResult {
  const code = scan(root, ['lib', 'functions']);
  const tests = scan(root, ['test']);
  let list = readStatements(join(root, listFile));
  let compared = compare(list.statements, code, tests);
  if (promote && compared.ready.length > 0) {
    list = marked(list, new Set(compared.ready));
    writeFileSync(join(root, listFile), `${JSON.stringify(list, null, 2)}\n`);
    compared = compare(list.statements, code, tests);
  }
  const problems = [...compared.problems, ...(strict ? compared.notes : [])];
  const notes = strict ? [] : [...compared.notes];
  for (const { id, version } of compared.ready) {
    notes.push(`${id} of ${version} is pending, but has tags in code and tests: --promote marks it enforced`);
  }
  const wanted = page(list, compared.located);
  if (write || promote) writeFileSync(join(root, pageFile), wanted);
  else if (readOrNothing(join(root, pageFile)) !== wanted) {
    problems.push(`${pageFile} is out of date: npm run conformance -- --write`);
  }
  return { problems, notes };
}

function marked(list: StatementList, ready: ReadonlySet<Statement>): StatementList {
  return {
    ...list,
    statements: list.statements.map((one) => (ready.has(one) ? { ...one, status: 'enforced' } : one)),
  };
}

function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Runs the command: prints notes and problems and sets the exit code. */
function main(): void {
  const { values } = parseArgs({
    options: { strict: { type: 'boolean' }, write: { type: 'boolean' }, promote: { type: 'boolean' } },
  });
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const { problems, notes } = check({ root, ...values });
  for (const note of notes) console.log(`note: ${note}`);
  for (const problem of problems) console.error(`error: ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
  else console.log('conformance: list, tags and page agree');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
