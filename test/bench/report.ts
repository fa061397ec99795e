import type { Plot } from './plot.ts';

/** A number is shown with three digits that matter; a text as it is. */
export type Cell = string | number;

export interface Table {
  readonly title: string;
  /** The first column is flush left, the others are flush right. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** What one section has measured. */
export interface SectionResult {
  readonly tables: readonly Table[];
  readonly plots: readonly Plot[];
  /** How it was measured, what was assumed, what was left out and why: one sentence or more each. */
  readonly notes: readonly string[];
  /** Everything, for the JSON file. */
  readonly data: unknown;
}

/** What a section is told. */
export interface Run {
  /** Two to three minutes for all sections: shorter runs and smaller sizes. */
  readonly quick: boolean;
  readonly progress: (line: string) => void;
}

export function cellText(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  if (!Number.isFinite(cell)) return '–';
  if (Number.isInteger(cell) || Math.abs(cell) >= 1_000) return Math.round(cell).toLocaleString('en-GB');
  return String(Number(cell.toPrecision(3)));
}

/** As plain text with aligned columns. */
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
