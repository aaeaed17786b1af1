/** Figures as text, and as tables of Markdown. Pure. */
import type { Figure, Figures, Named } from './figures.ts';
import type { Estimate } from './statistics.ts';

/** A row per policy, a column per load; `bold` stands out. */
export function byPolicy(
  figures: Figures,
  policies: readonly Named[],
  bold: Named,
  loads: readonly number[],
  figure: Figure,
  show: (estimate: Estimate) => string,
): string {
  return table(
    ['placement / dispatch / cap', ...loads.map(ofLoad)],
    policies.map((policy) => [
      policy === bold ? `**${policy.name}**` : policy.name,
      ...loads.map((load) => show(figures.estimate(policy, load, figure))),
    ]),
  );
}

/** Percent. */
export const ofLoad = (load: number): string => `${Math.round(100 * load)} %`;
/** Percentage points with their interval. */
export const points = ({ mean, low, high }: Estimate): string =>
  Number.isNaN(mean) ? '–' : `${signed(100 * mean)}${within(low, high, (value) => signed(100 * value))}`;
export const percent = ({ mean, low, high }: Estimate): string =>
  Number.isNaN(mean) ? '–' : `${(100 * mean).toFixed(1)}${within(low, high, (value) => (100 * value).toFixed(1))}`;
export const inSeconds = ({ mean }: Estimate): string => (Number.isNaN(mean) ? '–' : (mean / 1000).toFixed(2));

/** Of a single run there is no interval. */
const within = (low: number, high: number, show: (value: number) => string): string =>
  Number.isNaN(low) ? '' : ` [${show(low)}, ${show(high)}]`;

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(header), line(header.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

export function signed(value: number): string {
  const text = value.toFixed(1);
  return Number(text) === 0 ? '0.0' : `${value > 0 ? '+' : ''}${text}`;
}
