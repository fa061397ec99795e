import { describe, expect, test } from 'vitest';
import type { Units } from './billed-service.ts';
import { plotSvg } from './plot.ts';
import { emqxUsd, eventGridUsd, idleHourUsd, iotCoreUsd, wispUsd } from './prices.ts';
import { cellText, tableMarkdown, tableText } from './report.ts';
import { percentile } from './statistics.ts';
import { replaced } from './summary.ts';

const nothing: Units = {
  messagesIn: 0,
  messagesOut: 0,
  connectionMinutes: 0,
  invocations: {},
  billedMs: {},
  readUnits: 0,
  writeUnits: 0,
  standardRequests: 0,
  fifoRequests: 0,
  accessLogLines: 0,
  logBytes: 0,
  posts: 0,
};
const million = 1e6;

/** Expected values are calculated by hand, so that a changed price fails the test. */
describe('dollars per million', () => {
  test.each([
    ['messages in both directions', { messagesIn: 1, messagesOut: 2 }, 3],
    ['connection minutes', { connectionMinutes: 1 }, 0.25],
    ['function calls', { invocations: { message: 1, timer: 2 } }, 0.6],
    // 1,024 MB for 10 ms and 512 MB for 20 ms are 0.01 GB-s each.
    ['milliseconds, by the memory of the function', { billedMs: { message: 10, timer: 20 } }, 0.266668],
    ['read units', { readUnits: 2.5 }, 0.3125],
    ['write units', { writeUnits: 3 }, 1.875],
    ['queue requests', { standardRequests: 3, fifoRequests: 1 }, 1.7],
    ['posts, which are part of the messages', { posts: 1 }, 0],
  ])('%s', (_name, units, dollars) => {
    expect(wispUsd({ ...nothing, ...units }) * million).toBeCloseTo(dollars, 6);
  });

  const oneToOne = {
    publishesIn: 1,
    publishesOut: 1,
    acknowledgements: 0,
    publishBytes: 235,
    acknowledgementBytes: 6,
    packetsPerSegment: 1,
  };
  test.each([
    ['1 to 1 at QoS 0', oneToOne, 2, (2 * 304 * 0.15) / 1073.741824, 2 + 0.04 / 3.6],
    [
      '1 to 1 at QoS 1',
      { ...oneToOne, acknowledgements: 1 },
      3,
      ((2 * 304 + 2 * 75) * 0.15) / 1073.741824,
      2 + 0.04 / 3.6,
    ],
    [
      '1 to 1,000',
      { ...oneToOne, publishesIn: 0.001 },
      1.001,
      (1.001 * 304 * 0.15) / 1073.741824,
      1.001 + 0.04 / 3600,
    ],
    [
      'bursts of 10',
      { ...oneToOne, packetsPerSegment: 10 },
      2,
      (2 * 241.9 * 0.15) / 1073.741824,
      2 + 0.04 / 3.6,
    ],
  ])('deliveries of other services, %s', (_name, packets, iotCore, emqx, eventGrid) => {
    expect(iotCoreUsd(packets) * million).toBeCloseTo(iotCore, 6);
    expect(emqxUsd(packets) * million).toBeCloseTo(emqx, 6);
    expect(eventGridUsd(packets) * million).toBeCloseTo(eventGrid, 6);
  });

  test('idle hours of other services', () => {
    expect(idleHourUsd.iotCore() * million).toBeCloseTo(4.8, 6);
    expect(idleHourUsd.emqx(60) * million).toBeCloseTo(120 + (60 * 2 * 71 * 0.15) / 1073.741824, 6);
    expect(idleHourUsd.eventGrid(60).map((one) => one * million)).toEqual([
      expect.closeTo(4, 6),
      expect.closeTo(64, 6),
    ]);
  });
});

test.each([
  [[5, 1, 3], 0.5, 3],
  [[1, 2, 3, 4], 0.5, 2],
  [Array.from({ length: 100 }, (_, index) => index + 1), 0.99, 99],
  [[7], 0.99, 7],
  [[], 0.5, Number.NaN],
])('percentile of %j at %d', (values, share, expected) => {
  expect(percentile(values, share)).toBe(expected);
});

test.each([
  [0, '0'],
  [12_345.6, '12,346'],
  [2.3456, '2.35'],
  [0.001234, '0.00123'],
  [Number.NaN, '–'],
  ['text', 'text'],
])('cell %s', (cell, text) => {
  expect(cellText(cell)).toBe(text);
});

test('formats a table as text and as Markdown', () => {
  const table = { title: 'T', columns: ['name', 'n'], rows: [['one', 1_000] as const] };
  expect(tableText(table)).toBe('T\nname      n\none   1,000');
  expect(tableMarkdown(table)).toBe('**T**\n\n| name | n |\n| --- | ---: |\n| one | 1,000 |');
});

describe('summary', () => {
  const page =
    'head\n<!-- bench:a -->\nold\n<!-- /bench:a -->\nmiddle\n<!-- bench:b -->\n<!-- /bench:b -->\n';
  test('replaces one section only, and is idempotent', () => {
    const once = replaced(page, 'a', 'new');
    expect(once).toBe(
      'head\n<!-- bench:a -->\n\nnew\n\n<!-- /bench:a -->\nmiddle\n<!-- bench:b -->\n<!-- /bench:b -->\n',
    );
    expect(replaced(once, 'a', 'new')).toBe(once);
  });
  test('names missing markers', () => {
    expect(() => replaced(page, 'c', '')).toThrow('no markers for c');
  });
});

test('a plot draws each finite point once and escapes its texts', () => {
  const svg = plotSvg({
    name: 'p',
    title: 'a < b & c',
    xLabel: 'x',
    yLabel: 'y',
    kind: 'lines',
    series: [{ name: 's', points: [[10, 1] as const, [1_000, 2] as const, [100_000, Number.NaN] as const] }],
  });
  expect(svg.match(/<circle /g)).toHaveLength(2);
  expect(svg).toContain('a &lt; b &amp; c');
  expect(svg).not.toContain('NaN');
});
