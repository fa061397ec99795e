import { readFileSync } from 'node:fs';
import {
  type MqttReasonName,
  type Reason,
  type ReasonName,
  reasons,
  v3Answer,
} from '../../lib/core/reasons.ts';
import { repository } from './pages.ts';

/** One row of docs/limits.md. */
export interface Bound {
  readonly name: string;
  /** Where the number is. */
  readonly file: string;
  /** Codes of reasons with which the service answers. */
  readonly codes: readonly string[];
  readonly counters: readonly string[];
  /** Tests that go beyond the bound. */
  readonly tests: readonly string[];
}

export const limitsPage = 'docs/limits.md';

/** Cells of a row: bound, value, name and file, whom, answer, counter, reason, test. */
const columns = 8;

export function readLimits(): string {
  return readFileSync(`${repository}/${limitsPage}`, 'utf8');
}

export function boundsOf(page: string): Bound[] {
  return rowsOf(page).map((cells) => {
    const [name = '', file = ''] = spans(cells[2]);
    return { name, file, codes: spans(cells[4]), counters: spans(cells[5]), tests: spans(cells[7]) };
  });
}

/**
 * The page with the numbers of the code, and with the answer of the catalogue behind each code of a
 * reason: `code` (0x97; 3.1.1: close; HTTP 429). What is not a number, as `none`, stays.
 */
export function filledIn(page: string): string {
  return page
    .split('\n')
    .map((line) => {
      const cells = cellsOf(line);
      if (cells === undefined) return line;
      const [name = '', file = ''] = spans(cells[2]);
      const value = numberOf(file, name);
      if (value !== undefined) cells[1] = (cells[1] ?? '').replace(/^[\d,.]+/, value.toLocaleString('en'));
      cells[4] = (cells[4] ?? '').replaceAll(
        /`([a-z0-9-]+)`(?: \((?:0x|3\.1\.1|HTTP|in the log)[^)]*\))?/g,
        (written, code: string) => (isReason(code) ? `\`${code}\` (${answerOf(code)})` : written),
      );
      return `| ${cells.join(' | ')} |`;
    })
    .join('\n');
}

/** Bounds by name that a file sets: constants and members whose value is a number. */
export function numbersIn(file: string): Map<string, number> {
  const numbers = new Map<string, number>();
  const text = readFileSync(`${repository}/${file}`, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  for (const [, name = '', product = ''] of text.matchAll(
    /\b(\w+)(?:: number)? ?(?:=|:|: options\.\w+ \?\?) ?(\d[\d_xa-f.]*(?: \* [\d_]+)*)(?=[;,)}]| [})]|\n)/g,
  )) {
    const value = product.split(' * ').reduce((sum, factor) => sum * Number(factor.replaceAll('_', '')), 1);
    if (!numbers.has(name) && value > 0) numbers.set(name, value);
  }
  return numbers;
}

const known = new Map<string, Map<string, number>>();

function numberOf(file: string, name: string): number | undefined {
  const numbers = known.get(file) ?? numbersIn(file);
  known.set(file, numbers);
  return numbers.get(name);
}

function rowsOf(page: string): string[][] {
  return page.split('\n').flatMap((line) => {
    const cells = cellsOf(line);
    return cells === undefined ? [] : [cells];
  });
}

/** The cells of a row of a table of bounds; undefined for any other line. */
function cellsOf(line: string): string[] | undefined {
  if (!line.startsWith('| ')) return undefined;
  const cells = line.slice(2, -2).split(' | ');
  return cells.length === columns && spans(cells[2]).length === 2 ? cells : undefined;
}

function spans(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
}

function isReason(code: string): code is ReasonName {
  return code in reasons;
}

function answerOf(code: ReasonName): string {
  const { reasonCode, disconnectCode, http }: Reason = reasons[code];
  const parts: string[] = [];
  if (reasonCode !== undefined) {
    const end = disconnectCode === undefined ? '' : `, DISCONNECT ${hex(disconnectCode)}`;
    const earlier = v3Answer(code as MqttReasonName);
    parts.push(hex(reasonCode) + end, `3.1.1: ${earlier === 0x80 ? '0x80' : earlier}`);
  }
  if (http !== undefined) parts.push(`HTTP ${http}`);
  return parts.length === 0 ? 'in the log' : parts.join('; ');
}

function hex(code: number): string {
  return `0x${code.toString(16).toUpperCase().padStart(2, '0')}`;
}
