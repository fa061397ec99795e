import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Machine } from './machine.ts';
import { type SectionResult, tableMarkdown } from './report.ts';
import { type Section, type SectionName, sections } from './sections.ts';

const usualPage = 'docs/performance.md';
const lineWidth = 100;

/**
 * Writes each measured section between its markers in its page. Other sections stay unchanged: each
 * names its date, machine and commit.
 */
export async function writeSummary(
  results: ReadonlyMap<SectionName, SectionResult>,
  machine: Machine,
): Promise<void> {
  for (const [name, result] of results) {
    const { page = usualPage }: Section = sections[name];
    const path = fileURLToPath(new URL(`../../${page}`, import.meta.url));
    const text = await readFile(path, 'utf8');
    await writeFile(path, replaced(text, name, sectionMarkdown(name, result, machine)));
  }
}

/**
 * Replaces the content of section `name`.
 * @throws when the page has no markers for it, or has them in the wrong order.
 */
export function replaced(page: string, name: string, content: string): string {
  const begin = `<!-- bench:${name} -->\n`;
  const end = `<!-- /bench:${name} -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the page has no markers for ${name}`);
  return `${page.slice(0, from + begin.length)}\n${content}\n\n${page.slice(to)}`;
}

function sectionMarkdown(name: SectionName, result: SectionResult, machine: Machine): string {
  const { measuredAt, node, processors, memoryGigabytes, commit, quick } = machine;
  const origin = [
    `Measured ${measuredAt.slice(0, 10)} by \`npm run bench -- ${name}${quick ? ' --quick' : ''}\``,
    ...(commit === undefined ? [] : [`commit ${commit}`]),
    `Node ${node}`,
    processors,
    `${memoryGigabytes} GB`,
  ].join(', ');
  return [
    `## ${sections[name].title}`,
    `${origin}.${quick ? ' **A quick run: rough figures.**' : ''}`,
    ...result.tables.map(tableMarkdown),
    ...(result.notes.length === 0 ? [] : [result.notes.map((note) => wrapped(`- ${note}`)).join('\n')]),
  ].join('\n\n');
}

/** Wraps a list entry at {@link lineWidth} columns. */
function wrapped(entry: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of entry.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > lineWidth) {
      lines.push(line);
      line = `  ${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}
