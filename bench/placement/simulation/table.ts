/** Figures and tables as text. */
import type { Estimate } from './statistics.ts';

export const ofLoad = (load: number): string => `${Math.round(100 * load)} %`;
export const points = ({ mean, low, high }: Estimate): string =>
  Number.isNaN(mean) ? '–' : `${signed(100 * mean)} [${signed(100 * low)}, ${signed(100 * high)}]`;
export const percent = ({ mean, low, high }: Estimate): string =>
  `${(100 * mean).toFixed(1)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(header), line(header.map((_, at) => (at === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

export function signed(value: number): string {
  const text = value.toFixed(1);
  return Number(text) === 0 ? '0.0' : `${value > 0 ? '+' : ''}${text}`;
}
