import type { Located } from './compare.ts';
import type { Statement, StatementList, Version } from './statements.ts';
import { compareIds, concernsServer, statuses, versions } from './statements.ts';

/** Headings by section number of 5.0 ({@link sectionOf}). The first matching prefix counts. */
const headings: ReadonlyArray<readonly [string, string]> = [
  ['1.', 'Data representation'],
  ['2.', 'Packet format'],
  ['3.1.', 'CONNECT'],
  ['3.2.', 'CONNACK'],
  ['3.3.', 'PUBLISH'],
  ['3.4.', 'PUBACK'],
  ['3.5.', 'PUBREC'],
  ['3.6.', 'PUBREL'],
  ['3.7.', 'PUBCOMP'],
  ['3.8.', 'SUBSCRIBE'],
  ['3.9.', 'SUBACK'],
  ['3.10.', 'UNSUBSCRIBE'],
  ['3.11.', 'UNSUBACK'],
  ['3.12.', 'PINGREQ'],
  ['3.14.', 'DISCONNECT'],
  ['3.15.', 'AUTH'],
  ['4.1.', 'Session state'],
  ['4.2.', 'Network connections'],
  ['4.3.', 'Quality of service'],
  ['4.4.', 'Sending again'],
  ['4.5.', 'Receiving messages'],
  ['4.6.', 'Order'],
  ['4.7.', 'Topic names and filters'],
  ['4.8.', 'Shared subscriptions'],
  ['4.9.', 'Flow control'],
  ['4.12.', 'Enhanced authentication'],
  ['4.13.', 'Errors'],
  ['6.', 'WebSocket'],
  ['7.', 'Conformance'],
];

/** A statement of 5.0 with its counterparts of 3.1.1, or a statement of 3.1.1 without one. */
interface Row {
  readonly three: readonly Located[];
  readonly five: Located | undefined;
}

/** Renders docs/conformance.md: all statements with the files that carry their tags. */
export function page(list: StatementList, located: readonly Located[]): string {
  const rows = rowsOf(located);
  const isServers = (row: Row): boolean => partsOf(row).some((part) => concernsServer(part.statement));
  const lines = [
    '# Conformance',
    '',
    'Each normative statement of MQTT that concerns a server, with the code that enforces it and the tests',
    'that verify it. `npm run conformance -- --write` generates this page from',
    '[conformance.json](conformance.json) and the tags in code and tests: do not edit it. `npm run',
    'conformance` fails if list, tags and page disagree.',
    '',
    'The summaries are ours. The specifications are normative:',
    ...versions.map((version) => `- [MQTT ${version}](${list.specifications[version]})`),
    '',
    'Tags name the version, because the numbers differ: `[MQTT-3.1.4-2 v3]` is 3.1.1, `[MQTT-3.1.4-3 v5]`',
    'is 5.0, `[MQTT-3.1.0-2 v3+v5]` is both. Three numbers are normalised here: 3.1.2-7 and 3.8.3-4 of',
    '3.1.1 (printed as 3.1.2.7 and 3-8.3-4) and 4.2.0-1 of 5.0 (4.2-1 in the text, 4.2.0-1 in its',
    'appendix). 5.0 has no 2.2.1-1.',
    '',
    ...totals(list.statements),
    '',
    ...gaps(list.statements),
  ];
  for (const [prefix, title] of headings) {
    const own = rows.filter((row) => isServers(row) && sectionOf(row).startsWith(prefix));
    if (own.length === 0) continue;
    lines.push(`## ${prefix.replace(/\.$/, '')} ${title}`, '');
    lines.push('| 3.1.1 | 5.0 | Statement | Code | Tests | Status |', '|---|---|---|---|---|---|');
    lines.push(...own.map(rowLine), '');
  }
  lines.push('## For clients only', '', 'A server has nothing to enforce.', '');
  lines.push('| 3.1.1 | 5.0 | Statement |', '|---|---|---|');
  for (const row of rows.filter((one) => !isServers(one))) {
    lines.push(`| ${idsOf(row.three)} | ${idsOf(partsOfFive(row))} | ${summaryOf(row)} |`);
  }
  return `${lines.join('\n')}\n`;
}

function rowsOf(located: readonly Located[]): Row[] {
  const ofThree = located.filter((one) => one.statement.version === '3.1.1');
  const rows: Row[] = [
    ...located
      .filter((one) => one.statement.version === '5.0')
      .map((five) => ({
        five,
        three: ofThree.filter((three) => three.statement.counterpart === five.statement.id),
      })),
    ...ofThree
      .filter((three) => three.statement.counterpart === undefined)
      .map((three) => ({ five: undefined, three: [three] })),
  ];
  return rows.sort((left, right) => compareIds(sectionOf(left), sectionOf(right)));
}

/** Section number for sorting and headings. Errors are in 4.8 of 3.1.1 and in 4.13 of 5.0. */
function sectionOf(row: Row): string {
  const id = (row.five ?? row.three[0])?.statement.id.replace('MQTT-', '') ?? '';
  return row.five === undefined && id.startsWith('4.8.') ? id.replace('4.8.', '4.13.') : id;
}

function partsOf(row: Row): Located[] {
  return [...row.three, ...partsOfFive(row)];
}

function partsOfFive(row: Row): Located[] {
  return row.five === undefined ? [] : [row.five];
}

function rowLine(row: Row): string {
  const cells = [
    idsOf(row.three),
    idsOf(partsOfFive(row)),
    summaryOf(row),
    filesOf(row, (one) => one.code),
    filesOf(row, (one) => one.tests),
    statusOf(row),
  ];
  return `| ${cells.join(' | ')} |`;
}

function idsOf(parts: readonly Located[]): string {
  return parts.map((one) => `[${one.statement.id}]`).join('<br>');
}

/** Returns one text if both versions agree, otherwise one per version. */
function perVersion(row: Row, textOf: (statement: Statement) => string): string {
  const parts = partsOf(row).map((one) => ({
    version: one.statement.version,
    value: textOf(one.statement),
  }));
  const values = new Set(parts.map((part) => part.value));
  if (values.size === 1) return [...values].join('');
  const ofVersion = (version: Version): string =>
    [...new Set(parts.filter((part) => part.version === version).map((part) => part.value))].join('; ');
  return versions.map((version) => `${version}: ${ofVersion(version)}`).join('<br>');
}

function summaryOf(row: Row): string {
  return perVersion(row, ({ summary, transport }) => {
    return `${summary.replaceAll('|', '\\|')}${transport ? ' *(transport)*' : ''}`;
  });
}

function statusOf(row: Row): string {
  return perVersion(row, ({ status, reason, concerns }) => {
    const word = status.replace('-', ' ');
    if (reason !== undefined) return `${word}: ${reason.replaceAll('|', '\\|')}`;
    return concerns === 'client' ? `${word}: for clients only` : word;
  });
}

/** Links relative to docs/, without line numbers, which would change with every edit. */
function filesOf(row: Row, filesIn: (one: Located) => readonly string[]): string {
  const parts = partsOf(row);
  const inRow = new Set(parts.map((one) => one.statement.version));
  const files = [...new Set(parts.flatMap((one) => [...filesIn(one)]))].sort();
  const links = files.map((file) => {
    const named = new Set(
      parts.filter((one) => filesIn(one).includes(file)).map((one) => one.statement.version),
    );
    return `[${file}](../${file})${named.size < inRow.size ? ` (${[...named].join('')})` : ''}`;
  });
  return links.join('<br>');
}

function totals(statements: readonly Statement[]): string[] {
  const words = statuses.map((status) => status.replace('-', ' '));
  const lines = [
    `| Version | Statements | Concern a server | Of these: ${words.join(' | ')} |`,
    `|---|---|---|${'---|'.repeat(statuses.length)}`,
  ];
  for (const version of versions) {
    const all = statements.filter((one) => one.version === version);
    const servers = all.filter(concernsServer);
    const counts = statuses.map((status) => servers.filter((one) => one.status === status).length);
    lines.push(`| ${version} | ${all.length} | ${servers.length} | ${counts.join(' | ')} |`);
  }
  return lines;
}

function gaps(statements: readonly Statement[]): string[] {
  const known = statements.filter((one) => one.status === 'gap');
  if (known.length === 0) return [];
  const lines = known.map((one) => `- [${one.id}] of ${one.version}: ${one.summary}. ${one.reason ?? ''}`);
  return ['## Known gaps', '', ...lines, ''];
}
