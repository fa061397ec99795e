import { remedyOf } from '../api/remedies.ts';
import { number } from '../format.ts';
import { Empty } from './notices.tsx';
import { Table } from './table.tsx';

type Count = readonly [code: string, count: number];

/** Refusals by code, with what to do about each. Undefined while they are loaded. */
export function Refusals({ counts }: { readonly counts: readonly Count[] | undefined }) {
  return (
    <Table<Count>
      caption="Refusals by code"
      items={counts}
      keyOf={([code]) => code}
      empty={<Empty title="Nothing was refused in this time" />}
      columns={[
        { title: 'Code', cell: ([code]) => <code>{code}</code> },
        { title: 'Count', isNumber: true, cell: ([, count]) => number(count) },
        { title: 'What to do', cell: ([code]) => <span class="muted">{remedyOf(code) ?? ''}</span> },
      ]}
    />
  );
}
