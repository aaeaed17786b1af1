/** Plots as SVG; pure. */
import type { Evaluation } from './evaluate.ts';
import type { Figure, Figures, Named } from './figures.ts';
import { CAP_ABLATION, OTHERS, PLACEMENT_ABLATION, type Policy, STRONGEST, WHOLE } from './policies.ts';

const WIDTH = 760;
const HEIGHT = 420;
const LEFT = 64;
const RIGHT = 20;
const TOP = 20;
const BOTTOM = 150;

export interface Shown {
  readonly policy: Named;
  readonly colour: string;
}

/** Colours that can be told apart without red and green (Okabe and Ito). */
const SHOWN: readonly Shown[] = [
  { policy: WHOLE, colour: '#0072b2' },
  { policy: STRONGEST[0]!, colour: '#d55e00' },
  { policy: CAP_ABLATION[0]!, colour: '#56b4e9' },
  { policy: PLACEMENT_ABLATION[0]!, colour: '#009e73' },
  { policy: STRONGEST[1]!, colour: '#cc79a7' },
  { policy: OTHERS[2]!, colour: '#8a7a00' },
  { policy: OTHERS[0]!, colour: '#777777' },
];

interface Axes {
  readonly x: (load: number) => number;
  readonly y: (value: number) => number;
}

/** Reply rate against offered load: answers per request that 100 % has, so that saturation is seen as a level. */
export function repliesPlot(figures: Figures, loads: readonly number[], shown = SHOWN): string {
  return curves(
    figures,
    shown,
    loads,
    'replied',
    (load, value) => 100 * load * value,
    'reply rate, % of the demand at 100 % load',
    [0, 25, 50, 75, 100],
  );
}

/** Median time of answers. */
export function latencyPlot(figures: Figures, loads: readonly number[], shown = SHOWN): string {
  return curves(
    figures,
    shown,
    loads,
    'p50',
    (_, value) => value / 1000,
    'median response time of what is answered, s',
    [0, 1, 2, 3, 4, 5],
  );
}

function curves(
  figures: Figures,
  shown: readonly Shown[],
  loads: readonly number[],
  figure: Figure,
  scale: (load: number, value: number) => number,
  label: string,
  ticks: readonly number[],
): string {
  const most = ticks.at(-1)!;
  const from = loads[0]!;
  const to = loads.at(-1)!;
  const axes: Axes = {
    x: (load) => LEFT + ((load - from) / (to - from)) * (WIDTH - LEFT - RIGHT),
    y: (value) => HEIGHT - BOTTOM - (value / most) * (HEIGHT - BOTTOM - TOP),
  };
  const point = (load: number, value: number): string =>
    `${axes.x(load).toFixed(1)},${axes.y(scale(load, value)).toFixed(1)}`;
  const lines = shown.map(({ policy, colour }, at) => {
    const points = loads
      .map((load) => ({ load, ...figures.estimate(policy, load, figure) }))
      .filter(({ mean }) => !Number.isNaN(mean));
    const path = points.map(({ load, mean }) => point(load, mean)).join(' ');
    const band = [
      ...points.map(({ load, high }) => point(load, high)),
      ...points.toReversed().map(({ load, low }) => point(load, low)),
    ].join(' ');
    const row = HEIGHT - BOTTOM + 56 + 16 * Math.floor(at / 2);
    const column = LEFT + (at % 2) * 350;
    return [
      `<polygon points="${band}" fill="${colour}" fill-opacity="0.18"/>`,
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      `<line x1="${column}" x2="${column + 18}" y1="${row - 4}" y2="${row - 4}" stroke="${colour}" stroke-width="3"/>`,
      `<text x="${column + 24}" y="${row}">${policy.name}</text>`,
    ].join('\n');
  });
  const grid = ticks.map((tick) => rule(axes.y(tick), String(tick)));
  const under = loads.map(
    (load) =>
      `<text x="${axes.x(load)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${Math.round(100 * load)}</text>`,
  );
  const title = `<text x="${LEFT}" y="${HEIGHT - BOTTOM + 34}">offered load, % (left to right); ${label}; bands: 95 % intervals</text>`;
  return svg(HEIGHT, [...grid, ...under, title, ...lines]);
}

/** Every scenario's difference to another policy at a load, sorted: wins above the line, losses below. */
export function scenariosPlot(
  figures: Figures,
  scenarios: Evaluation['scenarios'],
  others: readonly Policy[],
  loads: readonly number[],
): string {
  const rows = others.flatMap((other) => loads.map((load) => ({ other, load })));
  const each = 150;
  const height = rows.length * each + 20;
  const parts = rows.map(({ other, load }, at) => {
    const differences = figures
      .perScenario(WHOLE, other, load, 'replied')
      .map((value, s) => ({ value: 100 * value, plain: scenarios[s]!.plain }))
      .toSorted((a, b) => a.value - b.value);
    const reach = Math.max(5, ...differences.map(({ value }) => Math.abs(value)));
    const top = at * each + 26;
    const middle = top + (each - 40) / 2;
    const y = (value: number): number => middle - (value / reach) * ((each - 40) / 2);
    const step = (WIDTH - LEFT - RIGHT) / differences.length;
    const bars = differences.map(({ value, plain }, i) => {
      const colour = value >= 0 ? '#0072b2' : '#d55e00';
      const [from, to] = value >= 0 ? [y(value), middle] : [middle, y(value)];
      return `<rect x="${(LEFT + i * step).toFixed(1)}" y="${from.toFixed(1)}" width="${Math.max(1, step - 1).toFixed(1)}" height="${Math.max(0.5, to - from).toFixed(1)}" fill="${colour}"${plain ? ' fill-opacity="0.5"' : ''}/>`;
    });
    const lost = differences.filter(({ value }) => value < 0).length;
    return [
      `<text x="${LEFT}" y="${top - 8}">${WHOLE.name} less ${other.name}, load ${Math.round(100 * load)} %: worse in ${lost} of ${differences.length}</text>`,
      rule(y(reach), `+${reach.toFixed(0)}`),
      rule(middle, '0'),
      rule(y(-reach), `-${reach.toFixed(0)}`),
      ...bars,
    ].join('\n');
  });
  return svg(height, parts);
}

function rule(at: number, label: string): string {
  return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at.toFixed(1)}" y2="${at.toFixed(1)}" stroke="#8884"/><text x="${LEFT - 6}" y="${(at + 4).toFixed(1)}" text-anchor="end">${label}</text>`;
}

function svg(height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="DejaVu Sans, sans-serif" font-size="11" fill="#777">`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}
