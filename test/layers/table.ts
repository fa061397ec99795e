import { layers } from './layers.ts';

const start = '<!-- layers: written by npm run layers -->';
const end = '<!-- end of layers -->';

/** `page` with the table of layers between its two markers. */
export function withLayerTable(page: string): string {
  const from = page.indexOf(start);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`The page has no markers ${start} and ${end}`);
  return `${page.slice(0, from)}${start}\n${layerTable()}${page.slice(to)}`;
}

function layerTable(): string {
  const rows = layers.map(({ name, paths, about, knows, files = [], packages }) => [
    paths === undefined ? code([name]) : code([name, ...paths]),
    about,
    code([...knows, ...files]),
    code(packages),
  ]);
  return [
    '| layer, from top to bottom | what it is | imports from | packages |',
    '|---|---|---|---|',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
  ].join('\n');
}

function code(names: readonly string[]): string {
  return names.map((name) => `\`${name.replace(/^lib\//, '')}\``).join(', ');
}
