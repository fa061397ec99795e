const secondsPerUnit: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
const maxDays = 3_650;

/** Seconds in `90s`, `15m`, `1h` or `7d`, at most 3,650 days; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const [, number, unit] = /^([1-9]\d{0,8})([smhd])$/.exec(text) ?? [];
  if (number === undefined || unit === undefined) return undefined;
  const seconds = Number(number) * (secondsPerUnit[unit] ?? 0);
  return seconds <= maxDays * 86_400 ? seconds : undefined;
}
