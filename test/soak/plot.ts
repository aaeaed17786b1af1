/** A small picture of the samples; pure. */
import { sumOf, threadsOf } from './heap.ts';
import type { Level, Sample } from './sampling.ts';

const WIDTH = 720;
const HEIGHT = 260;
const LEFT = 60;
const BOTTOM = 30;

export function plot(samples: readonly Sample[], levels: readonly Level[], title: string): string {
  const minutes = Math.max(1, samples.at(-1)?.minute ?? 1);
  const lines: Line[] = [
    line('resident memory, MB', '#1f6feb', samples, (sample) => sample.rss / 1e6),
    line('heap of the main thread, MB', '#d29922', samples, (sample) => (sample.heap ?? 0) / 1e6),
    line('descriptors', '#2da44e', samples, (sample) => sample.descriptors),
    line('held: main thread, MB', '#bc4c00', levels, ({ heap }) => heap.main.objects / 1e6),
    line('held: workers, MB', '#8250df', levels, ({ heap }) => sumOf(heap.workers, 'objects') / 1e6),
    line('compiled code, MB', '#bf3989', levels, ({ heap }) => sumOf(threadsOf(heap), 'code') / 1e6),
  ];
  const most = niceAbove(Math.max(1, ...lines.flatMap(({ points }) => points.map(({ value }) => value))));
  const x = (minute: number) => LEFT + (minute / minutes) * (WIDTH - LEFT - 10);
  const y = (value: number) => HEIGHT - BOTTOM - (value / most) * (HEIGHT - BOTTOM - 60);
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = y(share * most).toFixed(1);
    const text = `<text x="${LEFT - 6}" y="${at}" text-anchor="end" dominant-baseline="middle">${Math.round(share * most)}</text>`;
    return `<line x1="${LEFT}" x2="${WIDTH - 10}" y1="${at}" y2="${at}" stroke="#8884"/>${text}`;
  });
  const curves = lines.map(({ name, colour, points }, index) => {
    const path = points.map(({ minute, value }) => `${x(minute).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    const legend = `<text x="${LEFT + (index % 3) * 200}" y="${32 + 16 * Math.floor(index / 3)}" fill="${colour}">${name}</text>`;
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${path}"/>${legend}`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#888">`,
    `<text x="${LEFT}" y="16">${title}</text>`,
    ...grid,
    `<text x="${LEFT}" y="${HEIGHT - 10}">0</text>`,
    `<text x="${WIDTH - 10}" y="${HEIGHT - 10}" text-anchor="end">${Math.round(minutes)} min</text>`,
    ...curves,
    '</svg>',
    '',
  ].join('\n');
}

interface Line {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly { readonly minute: number; readonly value: number }[];
}

function line<T extends { readonly minute: number }>(
  name: string,
  colour: string,
  of: readonly T[],
  value: (each: T) => number,
): Line {
  return { name, colour, points: of.map((each) => ({ minute: each.minute, value: value(each) })) };
}

/** 1, 2 or 5 times a power of ten. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10);
}
