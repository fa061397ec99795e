import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { check } from './check.ts';
import { compare } from './compare.ts';
import type { Statement } from './statements.ts';
import { compareIds, listProblems, readStatements } from './statements.ts';
import { tagsIn, tagsInVectors } from './tags.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

describe('this repository', () => {
  const { statements } = readStatements(join(repository, 'docs/conformance.json'));

  test('list, tags and page agree', () => {
    expect(check({ root: repository }).problems).toEqual([]);
  });

  test('the list contains every statement of both specifications', () => {
    const ids = (version: string): string[] =>
      statements.filter((one) => one.version === version).map((one) => one.id);
    expect(ids('3.1.1')).toHaveLength(141);
    expect(ids('5.0')).toHaveLength(251);
    for (const version of ['3.1.1', '5.0']) {
      const own = ids(version);
      const missing = own
        .map((id) => id.replace(/\d+$/, (last) => String(Number(last) - 1)))
        .filter((before) => !before.endsWith('-0') && !own.includes(before));
      expect(missing).toEqual(version === '5.0' ? ['MQTT-2.2.1-1'] : []);
      expect(own).toEqual([...own].sort(compareIds));
    }
  });
});

describe('tags', () => {
  test('name one version or both', () => {
    expect(tagsIn('a [MQTT-3.1.4-2 v3, MQTT-3.1.4-3 v5]\n[MQTT-3.1.0-2 v3+v5]', 'lib/a.ts')).toEqual([
      { id: 'MQTT-3.1.4-2', version: '3.1.1', file: 'lib/a.ts', line: 1 },
      { id: 'MQTT-3.1.4-3', version: '5.0', file: 'lib/a.ts', line: 1 },
      { id: 'MQTT-3.1.0-2', version: '3.1.1', file: 'lib/a.ts', line: 2 },
      { id: 'MQTT-3.1.0-2', version: '5.0', file: 'lib/a.ts', line: 2 },
    ]);
  });

  test('may wrap inside a comment', () => {
    expect(tagsIn(' * so it is [MQTT-3.1.4-3\n * v5]', 'lib/a.ts')).toEqual([
      { id: 'MQTT-3.1.4-3', version: '5.0', file: 'lib/a.ts', line: 1 },
    ]);
  });

  test('without a version are reported, but prove nothing', () => {
    const tags = tagsIn('[MQTT-3.1.4-3] of v5', 'lib/a.ts');
    expect(tags).toEqual([{ id: 'MQTT-3.1.4-3', file: 'lib/a.ts', line: 1 }]);
    const result = compare([enforced], { tags, problems: [] }, { tags, problems: [] });
    expect(result.notes[0]).toContain('lib/a.ts:1: MQTT-3.1.4-3 does not name its version');
    expect(result.problems).toHaveLength(2);
  });

  test('are read from the clause fields of vectors at any depth', () => {
    const text = JSON.stringify({
      cases: [{ clauses: ['MQTT-3.1.4-3 v5'], note: 'MQTT-1.5.3-1 v3' }, { clause: '[MQTT-3.1.0-1 v3]' }],
    });
    expect(tagsInVectors(text, 'test/a.json')).toEqual({
      problems: [],
      tags: [
        { id: 'MQTT-3.1.4-3', version: '5.0', file: 'test/a.json' },
        { id: 'MQTT-3.1.0-1', version: '3.1.1', file: 'test/a.json' },
      ],
    });
  });

  test('malformed clauses and unreadable vector files are problems', () => {
    expect(tagsInVectors('{"clauses":["3.1.4-3 v5", 7]}', 'test/a.json').problems).toEqual([
      'test/a.json: the clause "3.1.4-3 v5" is not a tag',
      'test/a.json: the clause 7 is not a tag',
    ]);
    expect(tagsInVectors('{', 'test/a.json').problems).toEqual(['test/a.json is not JSON']);
  });
});

describe('the list', () => {
  const faults: ReadonlyArray<readonly [string, Statement]> = [
    ['is a gap without a reason', statement({ status: 'gap' })],
    ['is not applicable without a reason', statement({ status: 'not-applicable' })],
    ['cannot be pending', statement({ concerns: 'client', status: 'pending' })],
    ['does not have the form', statement({ id: 'MQTT-4.2-1' })],
    ['needs a summary', statement({ summary: 'a summary of\ntwo lines' })],
    ['which is not a statement of 5.0', statement({ version: '3.1.1', counterpart: 'MQTT-9.9.9-9' })],
  ];
  test.each(faults)('rejects a statement that %s', (message, faulty) => {
    expect(listProblems([faulty])).toEqual([expect.stringContaining(message)]);
  });

  test('rejects a duplicate statement, but not one of each version', () => {
    expect(listProblems([statement({}), statement({})])).toEqual(['MQTT-3.1.4-3 of 5.0 is listed twice']);
    expect(listProblems([statement({}), statement({ version: '3.1.1' })])).toEqual([]);
  });
});

describe('the check', () => {
  let root = '';
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'wisp-conformance-'));
    put('lib/broker/connect.ts', '// [MQTT-3.1.4-3 v5]');
    put('test/broker/connect.test.ts', "test('[MQTT-3.1.4-3 v5]')");
    list(enforced);
    check({ root, write: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function put(file: string, text: string): void {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  function list(...statements: readonly Statement[]): void {
    const specifications = { '3.1.1': 'https://example.org/3', '5.0': 'https://example.org/5' };
    put('docs/conformance.json', JSON.stringify({ specifications, statements }));
  }
  function pageText(): string {
    return readFileSync(join(root, 'docs/conformance.md'), 'utf8');
  }

  test('passes if code and a test carry the tag, and the page links to both', () => {
    expect(check({ root, strict: true })).toEqual({ problems: [], notes: [] });
    expect(pageText()).toContain(
      '| [lib/broker/connect.ts](../lib/broker/connect.ts) | [test/broker/connect.test.ts](../test/broker/connect.test.ts) | enforced |',
    );
  });

  test('fails if an enforced statement has no tag in the code or in the tests', () => {
    put('lib/broker/connect.ts', '');
    expect(check({ root, write: true }).problems).toEqual([
      'MQTT-3.1.4-3 of 5.0 is marked enforced, but no code carries its tag',
    ]);
    put('lib/broker/connect.ts', '// [MQTT-3.1.4-3 v5]');
    put('test/broker/connect.test.ts', '');
    expect(check({ root, write: true }).problems).toEqual([
      'MQTT-3.1.4-3 of 5.0 is marked enforced, but no test carries its tag',
    ]);
  });

  test('fails on tags of unknown, wrong-version and not applicable statements', () => {
    list(enforced, statement({ id: 'MQTT-3.1.2-20', concerns: 'client', status: 'not-applicable' }));
    put('functions/message.ts', '// [MQTT-3.1.4-9 v5]\n// [MQTT-3.1.4-3 v3]\n// [MQTT-3.1.2-20 v5]');
    expect(check({ root, write: true }).problems).toEqual([
      'functions/message.ts:1: MQTT-3.1.4-9 is not a statement of either version',
      'functions/message.ts:2: MQTT-3.1.4-3 is a statement of 5.0, not of 3.1.1',
      'MQTT-3.1.2-20 of 5.0 is marked not applicable, but tagged in functions/message.ts',
    ]);
  });

  test('fails while the page is out of date', () => {
    put('lib/sessions/takeover.ts', '// [MQTT-3.1.4-3 v5]');
    expect(check({ root }).problems).toEqual([
      'docs/conformance.md is out of date: npm run conformance -- --write',
    ]);
    check({ root, write: true });
    expect(check({ root }).problems).toEqual([]);
    expect(pageText()).toContain('takeover.ts');
  });

  test('reports pending statements, and fails on them if strict', () => {
    list(enforced, statement({ id: 'MQTT-3.1.4-4', status: 'pending' }));
    expect(check({ root, write: true })).toEqual({
      problems: [],
      notes: ['pending in 5.0: 1'],
    });
    expect(check({ root, strict: true }).problems).toEqual(['pending in 5.0: 1']);
  });

  test('promotes a pending statement once code and a test carry its tag', () => {
    list({ ...enforced, status: 'pending' }, statement({ id: 'MQTT-3.1.4-4', status: 'pending' }));
    expect(check({ root, write: true }).notes).toHaveLength(2);
    check({ root, promote: true });
    const promoted = readStatements(join(root, 'docs/conformance.json')).statements;
    expect(promoted.map((one) => one.status)).toEqual(['enforced', 'pending']);
    expect(check({ root }).problems).toEqual([]);
  });

  test('joins the statements of both versions in one row and tells where they differ', () => {
    const three = statement({
      id: 'MQTT-3.1.4-2',
      version: '3.1.1',
      counterpart: 'MQTT-3.1.4-3',
      status: 'gap',
      reason: 'Not yet.',
    });
    list(enforced, three);
    expect(check({ root, write: true }).problems).toEqual([]);
    expect(pageText()).toContain('| [MQTT-3.1.4-2] | [MQTT-3.1.4-3] | A second client');
    expect(pageText()).toContain('(../lib/broker/connect.ts) (5.0) |');
    expect(pageText()).toContain('| 3.1.1: gap: Not yet.<br>5.0: enforced |');
    expect(pageText()).toContain('## Known gaps\n\n- [MQTT-3.1.4-2] of 3.1.1: ');
  });
});

const enforced: Statement = statement({ status: 'enforced' });

function statement(fields: Partial<Statement>): Statement {
  return {
    id: 'MQTT-3.1.4-3',
    version: '5.0',
    summary: 'A second client with the same identifier replaces the first',
    concerns: 'server',
    status: 'enforced',
    ...fields,
  };
}
