/** A diagram: lines over a logarithmic x axis, or groups of bars. */
export interface Plot {
  /** File name without extension. */
  readonly name: string;
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Default: linear from 0. */
  readonly yLogarithmic?: boolean;
  readonly kind: 'lines' | 'bars';
  /** Labels of the groups of bars. The x of a point is the index of its group. */
  readonly groups?: readonly string[];
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly (readonly [number, number])[];
  }[];
}

const width = 760;
const height = 420;
const frame = { left: 78, right: 36, top: 68, bottom: 62 };
/** Palette of Okabe and Ito, which is safe for colour-blind readers. */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];

interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** Renders the plot as an SVG document. */
export function plotSvg(plot: Plot): string {
  const values = plot.series.flatMap(({ points }) => points.map(([, y]) => y)).filter(Number.isFinite);
  const bottom = height - frame.bottom;
  const y = plot.yLogarithmic
    ? logarithmic(Math.min(...values), Math.max(...values), bottom, frame.top)
    : linear(Math.max(...values), bottom, frame.top);
  const xValues = plot.series.flatMap(({ points }) => points.map(([x]) => x));
  const x = logarithmic(Math.min(...xValues), Math.max(...xValues), frame.left, width - frame.right);
  const body = plot.kind === 'lines' ? lines(plot, x, y) : bars(plot, y);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    text(frame.left, 24, plot.title, 'start', 15),
    ...legend(plot),
    ...y.ticks.flatMap((tick) => [
      `<line x1="${frame.left}" x2="${width - frame.right}" y1="${fixed(y.at(tick))}" y2="${fixed(y.at(tick))}" stroke="#ddd"/>`,
      text(frame.left - 8, y.at(tick) + 4, numberText(tick), 'end'),
    ]),
    ...(plot.kind === 'lines'
      ? x.ticks.map((tick) => text(x.at(tick), bottom + 18, numberText(tick), 'middle'))
      : []),
    ...body,
    `<line x1="${frame.left}" x2="${width - frame.right}" y1="${bottom}" y2="${bottom}" stroke="#333"/>`,
    text((frame.left + width - frame.right) / 2, height - 14, plot.xLabel, 'middle'),
    `<g transform="translate(18 ${(frame.top + bottom) / 2}) rotate(-90)">${text(0, 0, plot.yLabel, 'middle')}</g>`,
    '</svg>',
    '',
  ].join('\n');
}

function lines({ series }: Plot, x: Scale, y: Scale): string[] {
  return series.flatMap(({ points }, index) => {
    const shown = points.filter(([, value]) => Number.isFinite(value));
    const at = shown.map(([px, py]) => [fixed(x.at(px)), fixed(y.at(py))] as const);
    return [
      `<polyline fill="none" stroke="${colour(index)}" stroke-width="2" points="${at.map((pair) => pair.join(',')).join(' ')}"/>`,
      ...at.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="4" fill="${colour(index)}"/>`),
    ];
  });
}

function bars({ series, groups = [] }: Plot, y: Scale): string[] {
  const bottom = height - frame.bottom;
  const groupWidth = (width - frame.left - frame.right) / groups.length;
  const barWidth = (groupWidth * 0.8) / series.length;
  const labels = groups.flatMap((label, group) =>
    label
      .split('\n')
      .map((line, index) =>
        text(frame.left + groupWidth * (group + 0.5), bottom + 16 + 14 * index, line, 'middle', 11),
      ),
  );
  const drawn = series.flatMap(({ points }, index) =>
    points
      .filter(([, value]) => Number.isFinite(value))
      .map(([group, value]) => {
        const left = frame.left + groupWidth * (group + 0.1) + barWidth * index;
        const top = y.at(value);
        return `<rect x="${fixed(left)}" y="${fixed(top)}" width="${fixed(barWidth - 1)}" height="${fixed(bottom - top)}" fill="${colour(index)}"><title>${numberText(value)}</title></rect>`;
      }),
  );
  return [...drawn, ...labels];
}

function legend({ series }: Plot): string[] {
  let left = frame.left;
  return series.flatMap(({ name }, index) => {
    const at = left;
    left += 26 + name.length * 6.6;
    return [
      `<rect x="${fixed(at)}" y="38" width="12" height="12" fill="${colour(index)}"/>`,
      text(at + 17, 48, name, 'start'),
    ];
  });
}

/** Scale from 0 to above `max`, in steps of 1, 2 or 5 times a power of ten. */
function linear(max: number, from: number, to: number): Scale {
  const rough = (max > 0 ? max : 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  const steps = Math.ceil(((max > 0 ? max : 1) * 1.0001) / step);
  const top = steps * step;
  return {
    at: (value) => from + (value / top) * (to - from),
    ticks: Array.from({ length: steps + 1 }, (_, index) => index * step),
  };
}

/** Scale from the power of ten at or below `min` to the one at or above `max`. */
function logarithmic(min: number, max: number, from: number, to: number): Scale {
  const low = Math.floor(Math.log10(min > 0 ? min : 1));
  const high = Math.max(low + 1, Math.ceil(Math.log10(max > 0 ? max : 1)));
  return {
    at: (value) => from + ((Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)) * (to - from),
    ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
  };
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end', size = 12): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}" font-size="${size}" fill="#222">${escaped(content)}</text>`;
}

function colour(index: number): string {
  return colours[index % colours.length] ?? '#000000';
}

function fixed(value: number): string {
  return String(Number(value.toFixed(1)));
}

function numberText(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-GB', { maximumFractionDigits: 6 });
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
