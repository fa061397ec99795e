import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../../lib/cli/program.ts';
import { folders, pageNames, paths, readPage, repository } from './pages.ts';

const sourceNames = new Set([...paths].map((path) => posix.basename(path)));
const namedPath = new RegExp(`(?<![\\w./@-])(?:${folders.join('|')})/[\\w./*-]+`, 'g');
/** Pages of the past may name what has gone. */
const current = pageNames.filter((name) => name !== 'CHANGELOG.md');

describe.each(pageNames)('%s', (name) => {
  const { links } = readPage(name);

  it('links only to pages and headings that exist', () => {
    const broken = links
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [path = '', heading] = target.split('#');
        const page = path === '' ? name : posix.join(posix.dirname(name), path);
        if (!existsSync(`${repository}/${page}`)) return true;
        return heading !== undefined && page.endsWith('.md') && !readPage(page).anchors.includes(heading);
      });
    expect(broken).toEqual([]);
  });
});

describe.each(current)('%s', (name) => {
  const { spans, code } = readPage(name);
  const texts = [...spans, ...code];

  it('names only files that exist', () => {
    const named = texts
      .flatMap((text) => text.match(namedPath) ?? [])
      .map((path) => path.replace(/\/?\*.*$|[./]+$/, ''));
    expect(named.filter((path) => !paths.has(path))).toEqual([]);
    const files = texts.flatMap((text) =>
      [...text.matchAll(/(?<![\w./-])([\w-]+\.ts)\b/g)].map(([, file = '']) => file),
    );
    expect(files.filter((file) => !sourceNames.has(file))).toEqual([]);
  });

  it('runs only npm scripts that exist', () => {
    const used = texts.flatMap((text) =>
      [...text.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, script = '']) => script),
    );
    const known = [scriptsIn('.'), scriptsIn(posix.dirname(name))].flat();
    expect(used.filter((script) => !known.includes(script))).toEqual([]);
  });

  it('shows only commands and flags that `wisp` has', async () => {
    const unknown: string[] = [];
    for (const text of texts.flatMap(wispCommands)) if (!(await isKnown(text))) unknown.push(text);
    expect(unknown).toEqual([]);
  });
});

it('the runbook searches only for messages that the functions log', () => {
  const searched = readPage('docs/runbook.md').spans.flatMap((span) =>
    [...span.matchAll(/message = "([^"]+)"/g)].map(([, message = '']) => message),
  );
  const sources = [...paths]
    .filter((path) => /^(lib|functions)\/.*\.ts$/.test(path))
    .map((path) => readFileSync(`${repository}/${path}`, 'utf8'));
  expect(searched.length).toBeGreaterThan(0);
  expect(searched.filter((message) => !sources.some((text) => text.includes(`'${message}'`)))).toEqual([]);
});

/** The scripts of a folder's package; none if it is no package. */
function scriptsIn(folder: string): string[] {
  const file = `${repository}/${folder}/package.json`;
  if (!existsSync(file)) return [];
  const { scripts = {} } = JSON.parse(readFileSync(file, 'utf8')) as { scripts?: Record<string, string> };
  return Object.keys(scripts);
}

/** The calls of `wisp` in a line or code span: `wisp tenant create acme --stack Wisp`. */
function wispCommands(text: string): string[] {
  const [line = ''] = text.split(/\s#/);
  return [...line.matchAll(/(?:^|[\s(])wisp (?!-)([^)|&;]+)/g)].map(([, command = '']) => command.trim());
}

async function isKnown(command: string): Promise<boolean> {
  const words = command.split(' ');
  const flags = words.filter((word) => /^--[a-z]/.test(word)).map((flag) => flag.split('=')[0] ?? flag);
  const [name = '', sub = ''] = words;
  if (!subcommands(await help()).has(name)) return false;
  let page = await help(name);
  const subs = subcommands(page);
  if (subs.size > 0 && /^[a-z]/.test(sub)) {
    if (subs.has(sub)) page = await help(name, sub);
    // "wisp token acme": the command itself takes an argument.
    else if (!/^Usage: .*</m.test(page)) return false;
  }
  return flags.every((flag) => flag === '--help' || new RegExp(`${flag}\\b`).test(page));
}

const helpTexts = new Map<string, string>();

async function help(...command: string[]): Promise<string> {
  const key = command.join(' ');
  let text = helpTexts.get(key);
  if (text === undefined) {
    const lines: string[] = [];
    const collect = (line: string): void => void lines.push(line);
    await run([...command, '--help'], { out: collect, err: collect });
    text = lines.join('\n');
    helpTexts.set(key, text);
  }
  return text;
}

function subcommands(page: string): Set<string> {
  const [, list = ''] = page.split('Commands:');
  return new Set([...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name));
}
