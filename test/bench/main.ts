/**
 * `npm run bench`: measures, prints tables, and writes JSON and SVG to bench-results/.
 * `npm run bench -- --help` lists the sections.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { Argument, Command } from 'commander';
import { machine } from './machine.ts';
import { plotSvg } from './plot.ts';
import { startChild } from './process.ts';
import { type SectionResult, tableText } from './report.ts';
import type { SectionProcess } from './section-process.ts';
import { type Section, type SectionName, sectionNames, sections } from './sections.ts';
import { writeSummary } from './summary.ts';

const directory = 'bench-results';

const command = new Command('npm run bench --')
  .description(
    'Measures Wisp on this machine. Tables go to stdout, progress to stderr, JSON and SVG to bench-results/.',
  )
  .addArgument(
    new Argument('[sections...]', 'sections to measure')
      .choices(sectionNames)
      .default(sectionNames, 'all sections'),
  )
  .option(
    '--quick',
    'short runs, small sizes and rough figures: all sections take three to four minutes',
    false,
  )
  .option(
    '--write-summary',
    'writes the results of this run to docs/performance.md and docs/security.md',
    false,
  )
  .addHelpText(
    'after',
    `\nSections:\n${sectionNames.map((name) => `  ${name.padEnd(15)}${sections[name].about}`).join('\n')}\n`,
  )
  .parse();
const options = command.opts<{ quick: boolean; writeSummary: boolean }>();
const chosen = sectionNames.filter((name) => (command.processedArgs[0] as string[]).includes(name));

const facts = machine(options.quick);
await mkdir(directory, { recursive: true });
const results = new Map<SectionName, SectionResult>();
for (const name of chosen) {
  const result = await measured(name).catch((error: unknown) => {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
    return undefined;
  });
  if (result === undefined) continue;
  results.set(name, result);
  const shown = [...result.tables.map(tableText), ...result.notes.map((note) => `- ${note}`)];
  process.stdout.write(`\n== ${sections[name].title}\n\n${shown.join('\n\n')}\n`);
  await written(`${name}.json`, `${JSON.stringify({ ...facts, ...result }, null, 2)}\n`);
  for (const plot of result.plots) await written(`${plot.name}.svg`, plotSvg(plot));
}
if (options.writeSummary) {
  await writeSummary(results, facts);
  process.stderr.write('written: the pages of these sections\n');
}

async function measured(name: SectionName): Promise<SectionResult> {
  const startedAtMs = performance.now();
  process.stderr.write(`${name}: ${sections[name].about}\n`);
  const section: Section = sections[name];
  const { heapMegabytes } = section;
  const child = startChild<SectionProcess>(
    './section-process.ts',
    heapMegabytes === undefined ? {} : { heapMegabytes },
  );
  try {
    return await child.call('measure', { name, quick: options.quick });
  } finally {
    await child.stop();
    process.stderr.write(`${name}: ${((performance.now() - startedAtMs) / 1000).toFixed(0)} s\n`);
  }
}

async function written(name: string, content: string): Promise<void> {
  await writeFile(`${directory}/${name}`, content);
  process.stderr.write(`  written: ${directory}/${name}\n`);
}
