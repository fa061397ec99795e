import type { Statement, Version } from './statements.ts';
import { listProblems, versions } from './statements.ts';
import type { Tag, Tags } from './tags.ts';

/** A statement with the sorted files that carry its tag. */
export interface Located {
  readonly statement: Statement;
  readonly code: readonly string[];
  readonly tests: readonly string[];
}

export interface Comparison {
  readonly located: readonly Located[];
  /** Disagreements between list and tags. Each fails the check. */
  readonly problems: readonly string[];
  /** Unfinished work, which fails the check only if it is strict. */
  readonly notes: readonly string[];
  /** Pending statements with tags in code and tests, which can be marked enforced. */
  readonly ready: readonly Statement[];
}

/** Compares the list with the tags of the code and of the tests. */
export function compare(statements: readonly Statement[], code: Tags, tests: Tags): Comparison {
  const problems = [...listProblems(statements), ...code.problems, ...tests.problems];
  const notes: string[] = [];
  const known = new Map<string, Statement>(statements.map((one) => [keyOf(one.version, one.id), one]));

  for (const tag of [...code.tags, ...tests.tags]) {
    const definedIn = versions.filter((version) => known.has(keyOf(version, tag.id)));
    if (definedIn.length === 0) {
      problems.push(`${placeOf(tag)}: ${tag.id} is not a statement of either version`);
    } else if (tag.version === undefined) {
      const forms = definedIn.map((version) => `${tag.id} ${shortOf(version)}`).join(' or ');
      notes.push(`${placeOf(tag)}: ${tag.id} does not name its version: ${forms}`);
    } else if (!definedIn.includes(tag.version)) {
      problems.push(`${placeOf(tag)}: ${tag.id} is a statement of ${definedIn[0]}, not of ${tag.version}`);
    }
  }

  const codeFiles = filesByKey(code.tags);
  const testFiles = filesByKey(tests.tags);
  const located = statements.map((statement): Located => {
    const key = keyOf(statement.version, statement.id);
    return { statement, code: codeFiles.get(key) ?? [], tests: testFiles.get(key) ?? [] };
  });
  const ready: Statement[] = [];
  for (const { statement, code: inCode, tests: inTests } of located) {
    const name = `${statement.id} of ${statement.version}`;
    const tagged = inCode.length + inTests.length > 0;
    if (statement.status === 'enforced' && inCode.length === 0) {
      problems.push(`${name} is marked enforced, but no code carries its tag`);
    }
    if (statement.status === 'enforced' && inTests.length === 0) {
      problems.push(`${name} is marked enforced, but no test carries its tag`);
    }
    if (statement.status === 'not-applicable' && tagged) {
      problems.push(`${name} is marked not applicable, but tagged in ${[...inCode, ...inTests].join(', ')}`);
    }
    if (statement.status === 'pending' && inCode.length > 0 && inTests.length > 0) ready.push(statement);
  }
  for (const version of versions) {
    const pending = statements.filter((one) => one.version === version && one.status === 'pending');
    if (pending.length > 0) notes.push(`pending in ${version}: ${pending.length}`);
  }
  return { located, problems, notes, ready };
}

/** Returns the version as tags name it. */
function shortOf(version: Version): string {
  return version === '5.0' ? 'v5' : 'v3';
}

function keyOf(version: Version, id: string): string {
  return `${id} ${version}`;
}

function placeOf(tag: Tag): string {
  return tag.line === undefined ? tag.file : `${tag.file}:${tag.line}`;
}

function filesByKey(tags: readonly Tag[]): Map<string, string[]> {
  const files = new Map<string, string[]>();
  for (const { id, version, file } of tags) {
    if (version === undefined) continue;
    const known = files.get(keyOf(version, id)) ?? [];
    if (!known.includes(file)) files.set(keyOf(version, id), [...known, file].sort());
  }
  return files;
}
