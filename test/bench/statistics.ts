/** The smallest value that at least `share` (0 to 1) of all values do not exceed; NaN of none. */
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

/** The median of each of some numbers that belong together. */
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
