import { loadUsage } from '../api/usage.ts';
import { csvOf, type Resolution, type UsageStep, type UsageSteps, valuesOf } from '../api/usage-steps.ts';
import { usePoll } from '../api/use-poll.ts';
import { bytes, compact, number } from '../format.ts';
import type { PageProps } from '../page-props.ts';
import { Figure } from '../parts/facts.tsx';
import { Choice } from '../parts/fields.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { Page, Section } from '../parts/page.tsx';
import { Plot, type Series } from '../parts/plot.tsx';
import { Refusals } from '../parts/refusals.tsx';
import { remember, route } from '../route.ts';

/** Spans to choose from: the steps of each, and how many. */
const spans = {
  '1h': { text: 'Last hour, by the minute', resolution: 'minute', count: 60 },
  '6h': { text: 'Last 6 hours, by the minute', resolution: 'minute', count: 360 },
  '48h': { text: 'Last 48 hours, by the minute', resolution: 'minute', count: 2_880 },
  '24h': { text: 'Last 24 hours, by the hour', resolution: 'hour', count: 24 },
  '7d': { text: 'Last 7 days, by the hour', resolution: 'hour', count: 168 },
  '31d': { text: 'Last 31 days, by the hour', resolution: 'hour', count: 744 },
} as const satisfies Readonly<Record<string, { text: string; resolution: Resolution; count: number }>>;
type Span = keyof typeof spans;

const spanOptions = Object.entries(spans).map(([name, { text }]) => [name as Span, text] as const);
/** Hours and minutes change no faster. */
const pollSeconds = 60;

/** What a tenant has used, over time. */
export default function UsagePage({ tenant }: PageProps) {
  const given = route.value.query.get('span') ?? '';
  const span: Span = given in spans ? (given as Span) : '24h';
  const { resolution, count } = spans[span];
  const { value, problem, isLoading, reload } = usePoll(
    (signal) => loadUsage(tenant, resolution, count, signal),
    [tenant, span],
    pollSeconds,
  );
  return (
    <Page
      title="Usage"
      about={`What ${tenant} has used. Plots show your own time, the CSV has UTC.`}
      actions={
        value !== undefined && (
          <a
            class="button"
            download={`usage-${tenant}-${span}.csv`}
            href={`data:text/csv;charset=utf-8,${encodeURIComponent(csvOf(value))}`}
          >
            Download CSV
          </a>
        )
      }
    >
      <div class="toolbar">
        <Choice
          label="Time"
          value={span}
          onChange={(chosen) => remember({ span: chosen === '24h' ? undefined : chosen })}
          options={spanOptions}
        />
      </div>
      {problem !== undefined && <ProblemNotice problem={problem} retry={() => void reload()} />}
      <Totals usage={value} />
      <Section title="Over time">
        <div class="plots">
          {plotsOf(resolution).map(
            ({ title, unit, counters, per = 1, format = compact, isWhole = false }) => (
              <Plot
                key={title}
                title={title}
                unit={unit}
                times={value?.times ?? none}
                series={seriesOf(value, counters, per)}
                format={format}
                isWhole={isWhole}
                isLoading={isLoading}
              />
            ),
          )}
        </div>
      </Section>
      {resolution === 'hour' && (
        <Section title="Refusals" about="What the service refused or dropped, by the code of docs/errors.md.">
          <Refusals usage={value} />
        </Section>
      )}
    </Page>
  );
}

const none: readonly number[] = [];

function Totals({ usage }: { readonly usage: UsageSteps | undefined }) {
  const total = (name: keyof UsageStep) =>
    usage === undefined ? undefined : valuesOf(usage, name).reduce((sum, value) => sum + value, 0);
  const text = (value: number | undefined, format: (value: number) => string) =>
    value === undefined ? undefined : format(value);
  return (
    <div class="figures">
      <Figure name="Connections now" value={text(usage?.now.connections, number)} />
      <Figure name="Messages in" value={text(total('messagesIn'), compact)} about="in this time" />
      <Figure name="Messages out" value={text(total('messagesOut'), compact)} about="in this time" />
      <Figure
        name="Retained now"
        value={text(usage?.now.retainedMessages, compact)}
        about={text(usage?.now.retainedBytes, bytes) ?? ' '}
      />
    </div>
  );
}

interface PlotKind {
  readonly title: string;
  readonly unit: string;
  readonly counters: readonly (readonly [name: string, counter: keyof UsageStep])[];
  /** Divides each value. */
  readonly per?: number;
  readonly format?: (value: number) => string;
  readonly isWhole?: boolean;
}

const hourMs = 3_600_000;

const refusalsAMinute: PlotKind = {
  title: 'Refusals',
  unit: 'a minute',
  counters: [['refused', 'refused']],
  isWhole: true,
};

function plotsOf(resolution: Resolution): readonly PlotKind[] {
  const messages = [
    ['in', 'messagesIn'],
    ['out', 'messagesOut'],
  ] as const;
  if (resolution === 'minute')
    return [{ title: 'Messages', unit: 'a second', counters: messages, per: 60 }, refusalsAMinute];
  return [
    { title: 'Messages', unit: 'an hour', counters: messages, isWhole: true },
    {
      title: 'Payload and topics',
      unit: 'an hour',
      counters: [
        ['in', 'bytesIn'],
        ['out', 'bytesOut'],
      ],
      format: bytes,
    },
    // Counted when a connection ends.
    {
      title: 'Ended connections',
      unit: 'connection hours',
      counters: [['hours', 'connectionMs']],
      per: hourMs,
    },
    { title: 'Connects', unit: 'an hour', counters: [['connects', 'connects']], isWhole: true },
    {
      title: 'Rules',
      unit: 'an hour',
      isWhole: true,
      counters: [
        ['records', 'ruleDeliveries'],
        ['failures', 'ruleFailures'],
      ],
    },
    { title: 'Retained', unit: '', counters: [['stored', 'storedBytes']], format: bytes },
  ];
}

function seriesOf(
  usage: UsageSteps | undefined,
  counters: PlotKind['counters'],
  per: number,
): readonly Series[] {
  return counters.map(([name, counter]) => ({
    name,
    values: usage === undefined ? [] : valuesOf(usage, counter, per),
  }));
}
