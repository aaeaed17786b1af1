/** A small picture of the samples; pure. */
import type { Sample } from './sampling.ts';

const WIDTH = 720;
const HEIGHT = 260;
const LEFT = 60;
const BOTTOM = 30;

export function plot(samples: readonly Sample[], title: string): string {
  const minutes = Math.max(1, samples.at(-1)?.minute ?? 1);
  const lines = [
    { name: 'resident memory, MB', colour: '#1f6feb', of: (sample: Sample) => sample.rss / 1e6 },
    { name: 'heap in use, MB', colour: '#d29922', of: (sample: Sample) => (sample.heap ?? 0) / 1e6 },
    { name: 'descriptors', colour: '#2da44e', of: (sample: Sample) => sample.descriptors },
  ];
  const most = niceAbove(Math.max(1, ...samples.flatMap((sample) => lines.map(({ of }) => of(sample)))));
  const x = (minute: number) => LEFT + (minute / minutes) * (WIDTH - LEFT - 10);
  const y = (value: number) => HEIGHT - BOTTOM - (value / most) * (HEIGHT - BOTTOM - 40);
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = y(share * most).toFixed(1);
    const text = `<text x="${LEFT - 6}" y="${at}" text-anchor="end" dominant-baseline="middle">${Math.round(share * most)}</text>`;
    return `<line x1="${LEFT}" x2="${WIDTH - 10}" y1="${at}" y2="${at}" stroke="#8884"/>${text}`;
  });
  const curves = lines.map(({ name, colour, of }, index) => {
    const points = samples.map((sample) => `${x(sample.minute).toFixed(1)},${y(of(sample)).toFixed(1)}`).join(' ');
    const legend = `<text x="${LEFT + index * 190}" y="32" fill="${colour}">${name}</text>`;
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${points}"/>${legend}`;
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

/** 1, 2 or 5 times a power of ten. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10);
}
