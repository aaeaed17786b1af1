/** The page and its plots, as files. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Resvg } from '@resvg/resvg-js';

import type { Learning } from './evaluate-learning.ts';
import type { More } from './evaluate-more.ts';
import { Figures } from './figures.ts';
import { type KeptEvaluation, type Kept, unpack, unpackMore } from './kept-runs.ts';
import { pageOf } from './page.ts';
import { latencyPlot, repliesPlot, scenariosPlot } from './plots.ts';
import { STRONGEST } from './policies.ts';
import type { Taken } from './taken.ts';

export interface KeptSimulation extends Taken {
  readonly result: KeptEvaluation;
  /** Absent: it was not measured what learning loses. */
  readonly learning?: Taken & { readonly result: Kept<Learning> };
  /** Absent: nor policies that came later. */
  readonly caps?: Taken & { readonly result: Kept<More> };
}

/** Dots across a plot as PNG: twice its size, for screens that have them. */
const PNG_WIDTH = 1520;

export function writePage(directory: string, kept: KeptSimulation): void {
  const evaluation = unpack(kept.result);
  const { scenarios, loads } = evaluation;
  const figures = new Figures(evaluation, scenarios);
  const plots = {
    replies: repliesPlot(figures, loads),
    latency: latencyPlot(figures, loads),
    scenarios: scenariosPlot(figures, scenarios, STRONGEST, [0.8, 1, 1.2]),
  };
  for (const [name, svg] of Object.entries(plots)) {
    writeFileSync(join(directory, `simulation-${name}.svg`), svg);
    writeFileSync(join(directory, `simulation-${name}.png`), pngOf(svg));
  }
  const { learning, caps } = kept;
  const more = {
    ...(learning === undefined ? {} : { learning: { ...unpackMore(learning.result), taken: learning } }),
    ...(caps === undefined ? {} : { caps: { ...unpackMore(caps.result), taken: caps } }),
  };
  const notes = join(directory, 'simulation-notes.md');
  const byHand = existsSync(notes) ? `\n${readFileSync(notes, 'utf8').trim()}\n` : '';
  writeFileSync(join(directory, 'simulation.md'), pageOf(evaluation, kept, more) + byHand);
}

/** Letters come from the fonts of the machine. */
export function pngOf(svg: string): Uint8Array {
  const font = { loadSystemFonts: true, defaultFontFamily: 'DejaVu Sans' };
  return new Resvg(svg, { fitTo: { mode: 'width', value: PNG_WIDTH }, background: 'white', font }).render().asPng();
}
