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
  readonly isLoading?: boolean;
}

const heightPixels = 200;
/** Distinct with colour-blindness; main.css holds a set for each theme. */
const colours = ['--series-1', '--series-2', '--series-3', '--series-4', '--series-5', '--series-6'];

/**
 * Values over time. The library is loaded with the first plot of a page; the room is kept until
 * then. For screen readers, the latest values stand in words.
 */
export function Plot({ title, unit, times, series, format = compact, isLoading = false }: PlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const [library, setLibrary] = useState<typeof uPlot | undefined>(undefined);
  const theme = appliedTheme.value;
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
        padding: [12, 8, 0, 0],
        legend: { live: true },
        cursor: { points: { size: 7 }, y: false },
        scales: { y: { range: (_, __, max) => [0, max <= 0 ? 1 : max * 1.1] } },
        axes: [axis, { ...axis, size: 56, values: (_, splits) => splits.map(format) }],
        series: [
          {},
          ...names.split('\n').map((name, index) => ({
            label: name,
            stroke: colourOf(colours[index % colours.length] ?? ''),
            width: 1.75,
            points: { show: false },
            value: (_: uPlot, value: number | null) => (value === null ? '–' : `${format(value)} ${unit}`),
          })),
        ],
      },
      dataOf(times, series),
      element,
    );
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
    plot.current?.setData(dataOf(times, series));
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
