import { useEffect, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { compact } from '../format.ts';
import { appliedTheme } from '../theme-choice.ts';

/** One line or area of a plot. */
export interface Series {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

interface PlotProps {
  readonly title: string;
  /** Behind every value: "messages/s", "bytes". */
  readonly unit: string;
  /** Seconds since 1970, ascending. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  /** Writes a value. Default: `12.3K`. */
  readonly format?: (value: number) => string;
  /** Whether values are whole numbers, so that the axis has no fractions. */
  readonly isWhole?: boolean;
  /** First and last time of the axis, where the values may not fill it. */
  readonly span?: readonly [number, number];
  readonly isLoading?: boolean;
}

const heightPixels = 200;
/** Distinct with colour-blindness; main.css holds a set for each theme. */
const colours = ['--series-1', '--series-2', '--series-3', '--series-4', '--series-5', '--series-6'];

/**
 * Values over time. The library is loaded with the first plot of a page; the room is kept until
 * then. For screen readers, the latest values stand in words.
 */
export function Plot(props: PlotProps) {
  const { title, unit, times, series, format = compact, isWhole = false, isLoading = false } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const [library, setLibrary] = useState<typeof uPlot | undefined>(undefined);
  const theme = appliedTheme.value;
  const span = useRef(props.span);
  span.current = props.span;
  const names = series.map(({ name }) => name).join('\n');

  useEffect(() => {
    let isWanted = true;
    void import('uplot').then(({ default: loaded }) => {
      if (isWanted) setLibrary(() => loaded);
    });
    return () => {
      isWanted = false;
    };
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: colours follow the theme, data below
  useEffect(() => {
    const element = host.current;
    if (library === undefined || element === null) return;
    const style = getComputedStyle(element);
    const colourOf = (name: string) => style.getPropertyValue(name).trim();
    const strokes = names.split('\n').map((_, index) => colourOf(colours[index % colours.length] ?? ''));
    const axis = {
      stroke: colourOf('--muted'),
      grid: { stroke: colourOf('--line'), width: 1 },
      ticks: { show: false },
      font: '12px system-ui, sans-serif',
    };
    const drawn = new library(
      {
        width: element.clientWidth,
        height: heightPixels,
        padding: [12, 24, 0, 0],
        legend: { markers: { width: 0, fill: (_, index) => strokes[index - 1] ?? '' } },
        hooks: { ready: [showLatest] },
        cursor: { points: { size: 7 }, y: false },
        scales: {
          x: {
            range: (_, min, max) => [...(span.current ?? (min === max ? [min - 60, max + 60] : [min, max]))],
          },
          y: { range: (_, __, max) => [0, Math.max(max * 1.1, isWhole ? 4 : 0.01)] },
        },
        axes: [
          { ...axis, values: (_, splits, __, ___, step) => axisTimes(splits, step) },
          {
            ...axis,
            size: 56,
            values: (_, splits) => splits.map(format),
            ...(isWhole ? { incrs: wholeSteps } : {}),
          },
        ],
        series: [
          { label: 'Time', value: (_, at) => (Number.isFinite(at) ? legendTime.format(at * 1_000) : '–') },
          ...names.split('\n').map((name, index) => ({
            label: name,
            stroke: strokes[index] ?? '',
            width: 1.75,
            // A line needs two points.
            points: { show: (self: uPlot) => (self.data[0]?.length ?? 0) < 3, size: 5 },
            value: (_: uPlot, value: number | null) => (value == null ? '–' : format(value)),
          })),
        ],
      },
      dataOf(times, series),
      element,
    );
    drawn.over.addEventListener('mouseleave', () => showLatest(drawn));
    plot.current = drawn;
    const observer = new ResizeObserver(() =>
      drawn.setSize({ width: element.clientWidth, height: heightPixels }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      drawn.destroy();
      plot.current = undefined;
    };
  }, [library, names, theme, unit]);

  useEffect(() => {
    const { current } = plot;
    if (current === undefined) return;
    current.setData(dataOf(times, series));
    if (current.cursor.idx == null) showLatest(current);
  }, [times, series]);

  return (
    <figure class="plot" aria-busy={isLoading}>
      <figcaption>
        {title} <span class="muted">{unit}</span>
      </figcaption>
      <p class="hidden">{inWords(series, format, unit)}</p>
      <div class="plot-host" ref={host} aria-hidden="true" />
      {times.length === 0 && !isLoading && <p class="plot-none muted">Nothing in this time.</p>}
    </figure>
  );
}

const wholeSteps = [1, 2, 5]
  .flatMap((digit) => [digit, 10 * digit, 100 * digit, 1e3 * digit, 1e4 * digit, 1e5 * digit])
  .sort((one, other) => one - other);
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const legendTime = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});

/** Times below the axis, with the day where it begins; days alone where steps are as long. */
function axisTimes(splits: readonly number[], stepSeconds: number): string[] {
  let before = '';
  return splits.map((seconds) => {
    const today = day.format(seconds * 1_000);
    const isNew = today !== before;
    before = today;
    if (stepSeconds >= 86_400) return today;
    return `${clock.format(seconds * 1_000)}${isNew ? `\n${today}` : ''}`;
  });
}

/** Without a pointer over the plot its legend has the latest values. */
function showLatest(plot: uPlot): void {
  const count = plot.data[0].length;
  if (count > 0) plot.setLegend({ idx: count - 1 });
}

function dataOf(times: readonly number[], series: readonly Series[]): uPlot.AlignedData {
  return [[...times], ...series.map(({ values }) => [...values])];
}

function inWords(series: readonly Series[], format: (value: number) => string, unit: string): string {
  const parts = series.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    const last = known.at(-1);
    if (last === undefined) return `${name}: nothing`;
    return `${name}: ${format(last)} ${unit} at last, at most ${format(Math.max(...known))}`;
  });
  return `${parts.join('; ')}.`;
}
