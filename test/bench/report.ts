import type { Plot } from './plot.ts';

/** Numbers are shown with three significant digits, texts unchanged. */
export type Cell = string | number;

export interface Table {
  readonly title: string;
  /** The first column is left-aligned, all others are right-aligned. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** Result of one section. */
export interface SectionResult {
  readonly tables: readonly Table[];
  readonly plots: readonly Plot[];
  /** Method, assumptions and omissions, in full sentences. */
  readonly notes: readonly string[];
  /** All values, for the JSON file. */
  readonly data: unknown;
}

/** Parameters of a section. */
export interface Run {
  /** Shorter runs and smaller sizes: all sections take three to four minutes. */
  readonly quick: boolean;
  readonly progress: (line: string) => void;
}

export function cellText(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  if (!Number.isFinite(cell)) return '–';
  if (Number.isInteger(cell) || Math.abs(cell) >= 1_000) return Math.round(cell).toLocaleString('en-GB');
  return String(Number(cell.toPrecision(3)));
}

/** Formats a table as plain text with aligned columns. */
export function tableText({ title, columns, rows }: Table): string {
  const lines = [columns, ...rows.map((row) => row.map(cellText))];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const lineText = (line: readonly string[]): string =>
    line
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [title, ...lines.map(lineText)].join('\n');
}

export function tableMarkdown({ title, columns, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    `**${title}**`,
    '',
    line(columns),
    line(columns.map((_, column) => (column === 0 ? '---' : '---:'))),
    ...rows.map((row) => line(row.map(cellText))),
  ].join('\n');
}
