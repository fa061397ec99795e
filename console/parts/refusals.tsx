import { remedyOf } from '../api/remedies.ts';
import { refusalsByCode, type UsageSteps } from '../api/usage-steps.ts';
import { number } from '../format.ts';
import { Empty } from './notices.tsx';
import { Plot } from './plot.tsx';
import { Table } from './table.tsx';

type Count = readonly [code: string, count: number];

/** Codes with a line of their own in the plot. */
const maxLines = 6;

/** Refusals by hour and code, with what to do about each. Undefined while they are loaded. */
export function Refusals({ usage }: { readonly usage: UsageSteps | undefined }) {
  const counts = usage === undefined ? undefined : refusalsByCode(usage);
  const codes = (counts ?? []).slice(0, maxLines).map(([code]) => code);
  return (
    <>
      {usage !== undefined && codes.length > 0 && (
        <Plot
          title="Refusals by code"
          unit="an hour"
          isWhole
          times={usage.times}
          series={codes.map((code) => ({
            name: code,
            values: usage.steps.map(({ refusals }) => refusals?.[code] ?? 0),
          }))}
        />
      )}
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
    </>
  );
}
