import type { ComponentChildren } from 'preact';

/** A column of a {@link Table}. */
export interface Column<Item> {
  readonly title: string;
  readonly cell: (item: Item) => ComponentChildren;
  /** Whether its values are numbers, which stand at the right. */
  readonly isNumber?: boolean;
  /** Whether the title is for screen readers alone, as of buttons. */
  readonly hasHiddenTitle?: boolean;
}

interface TableProps<Item> {
  /** What the rows are; for screen readers. */
  readonly caption: string;
  readonly columns: readonly Column<Item>[];
  /** Undefined while the first load runs: rows of placeholders keep the room. */
  readonly items: readonly Item[] | undefined;
  readonly keyOf: (item: Item) => string;
  /** Shown in place of a table without rows. */
  readonly empty: ComponentChildren;
  /** Whether the rows are about to be replaced. */
  readonly isLoading?: boolean;
}

const placeholders = [1, 2, 3, 4, 5];

/**
 * A list of things with the same facts. The first column names the row, best with a link to its
 * details. On narrow screens every row becomes a card.
 */
export function Table<Item>({ caption, columns, items, keyOf, empty, isLoading = false }: TableProps<Item>) {
  if (items?.length === 0 && !isLoading) return <>{empty}</>;
  return (
    <table class={isLoading && items !== undefined ? 'table is-loading' : 'table'} aria-busy={isLoading}>
      <caption class="hidden">{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ title, isNumber, hasHiddenTitle }) => (
            <th key={title} scope="col" class={isNumber ? 'number' : undefined}>
              {hasHiddenTitle ? <span class="hidden">{title}</span> : title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {items?.map((item) => (
          <tr key={keyOf(item)}>
            {columns.map(({ title, cell, isNumber, hasHiddenTitle }, index) => {
              const facts = {
                class: isNumber ? 'number' : undefined,
                'data-title': hasHiddenTitle ? undefined : title,
              };
              return index === 0 ? (
                <th key={title} scope="row" {...facts}>
                  {cell(item)}
                </th>
              ) : (
                <td key={title} {...facts}>
                  {cell(item)}
                </td>
              );
            })}
          </tr>
        ))}
        {items === undefined &&
          placeholders.map((row) => (
            <tr key={row} class="placeholder">
              {columns.map(({ title }) => (
                <td key={title}>
                  <span />
                </td>
              ))}
            </tr>
          ))}
      </tbody>
    </table>
  );
}
