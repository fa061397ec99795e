/**
 * Returns the nearest-rank percentile (`share` from 0 to 1: 0.99 is p99), or NaN without values.
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export function spread(values: readonly number[]): Spread {
  return { p50: percentile(values, 0.5), p95: percentile(values, 0.95), p99: percentile(values, 0.99) };
}

/** Returns the median of each named number over all values. */
export function medians<Name extends string>(
  values: readonly Readonly<Record<Name, number>>[],
  names: readonly Name[],
): Record<Name, number> {
  const median = (name: Name): number =>
    percentile(
      values.map((value) => value[name]),
      0.5,
    );
  return Object.fromEntries(names.map((name) => [name, median(name)])) as Record<Name, number>;
}
