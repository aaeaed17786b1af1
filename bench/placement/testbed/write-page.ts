/** The page and its plots, as files. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { latencyPlot, repliesPlot, type Shown } from '../simulation/plots.ts';
import { pngOf } from '../simulation/write-page.ts';
import { figuresOf, type Kept, pageOf } from './page.ts';
import { EVERYWHERE } from './policies.ts';
import { LOADS } from './scenarios.ts';

const COLOURS = ['#0072b2', '#d55e00', '#cc79a7'];

export function writePage(directory: string, kept: Kept): void {
  const shown = EVERYWHERE.map((policy, at): Shown => ({ policy, colour: COLOURS[at]! }));
  for (const facts of kept.result.scenarios) {
    const figures = figuresOf(kept.result, facts);
    const plots = { replies: repliesPlot(figures, LOADS, shown), latency: latencyPlot(figures, LOADS, shown) };
    for (const [name, svg] of Object.entries(plots)) {
      const file = join(directory, `testbed-${facts.name}-${name}`);
      writeFileSync(`${file}.svg`, svg);
      writeFileSync(`${file}.png`, pngOf(svg));
    }
  }
  const notes = join(directory, 'testbed-notes.md');
  const byHand = existsSync(notes) ? `\n${readFileSync(notes, 'utf8').trim()}\n` : '';
  writeFileSync(join(directory, 'testbed.md'), pageOf(kept) + byHand);
}
