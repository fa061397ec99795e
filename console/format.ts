/** Texts for numbers and times. Numbers in the operator's own notation. */

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1, notation: 'compact' });
const precise = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });
const timeOfDay = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});
const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** `12,345` */
export function number(value: number): string {
  return whole.format(value);
}

/** `12.3K`, where there is little room. */
export function compact(value: number): string {
  return Math.abs(value) < 10_000 ? precise.format(value) : short.format(value);
}

/** `1.5 MB`, in powers of 1,024 as the limits are. */
export function bytes(value: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let scaled = value;
  let unit = 0;
  while (Math.abs(scaled) >= 1_024 && unit < units.length - 1) {
    scaled /= 1_024;
    unit += 1;
  }
  return `${precise.format(scaled)} ${units[unit]}`;
}

/** `2 h 5 min`, `30 d`, `45 s` */
function duration(seconds: number): string {
  // Session Expiry Interval: the session does not end.
  if (seconds === 0xffff_ffff) return 'without end';
  const parts: string[] = [];
  let rest = Math.round(seconds);
  for (const [size, unit] of [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${whole.format(count)} ${unit}`);
  }
  return parts.length === 0 ? '0 s' : parts.slice(0, 2).join(' ');
}

/** Date and time of the operator's own clock; the whole time in UTC is for a tooltip. */
export function time(iso: string | number): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? String(iso) : dateAndTime.format(date);
}

/** `maxPacketBytes` → `Max packet bytes` */
export function words(name: string): string {
  const text = name.replace(
    /([a-z0-9])([A-Z])/g,
    (_, end: string, begin: string) => `${end} ${begin.toLowerCase()}`,
  );
  return sentence(text);
}

/** A value with the unit that its name ends with, such as `maxKeepAliveSeconds`. */
export function valueText(name: string, value: number | undefined): string {
  if (value === undefined) return '–';
  if (/bytes/i.test(name)) return bytes(value);
  return /Seconds$/.test(name) ? duration(value) : number(value);
}

/** Messages of the service begin in lower case, to stand behind a colon. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `14:05:09.123` of the operator's own clock, for what happens many times a minute. */
export function clock(at: string | number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : timeOfDay.format(date);
}

/** Numbers names that come again: `kind`, `kind (2)`. User properties may have one name. */
export function distinctNames<Value>(pairs: readonly (readonly [string, Value])[]): [string, Value][] {
  const seen = new Map<string, number>();
  return pairs.map(([name, value]) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return [count === 1 ? name : `${name} (${count})`, value];
  });
}
