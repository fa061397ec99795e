/** Of the text that {@link openMetricsText} makes. */
export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Samples of one name. */
export interface MetricFamily {
  /** Without the `_total` of counters. */
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** When a counter began at zero, in ms since 1970. Default: it is not told. */
  readonly createdMs?: number;
}

/**
 * The text of an exposition of OpenMetrics 1.0, which Prometheus reads. No two families may have
 * the same name, and no two samples of a family the same labels.
 * https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
 */
export function openMetricsText(families: readonly MetricFamily[]): string {
  return `${families.flatMap(linesOf).join('')}# EOF\n`;
}

function linesOf({ name, type, help, samples }: MetricFamily): string[] {
  const isCounter = type === 'counter';
  return [
    `# TYPE ${name} ${type}\n`,
    `# HELP ${name} ${escaped(help)}\n`,
    ...samples.flatMap(({ value, labels, createdMs }) => [
      `${name}${isCounter ? '_total' : ''}${labelsText(labels)} ${value}\n`,
      ...(isCounter && createdMs !== undefined
        ? [`${name}_created${labelsText(labels)} ${createdMs / 1000}\n`]
        : []),
    ]),
  ];
}

function labelsText(labels: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

function escaped(text: string): string {
  return text.replaceAll(/[\\"\n]/g, (character) => escapes[character] ?? character);
}
