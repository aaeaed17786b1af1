/**
 * `make soak MINUTES=60`: a mixture of good and bad clients at a few hundred requests per second, weights that change
 * every few seconds, and a look at memory and descriptors every ten. Exit status 0: flat, and every request came out as
 * it had to. RATE=N requests per second (default 200), WORKERS=N (default 2).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { circumstances, ROOT } from '../../bench/measure/machine.ts';
import { cpuTime } from '../../bench/measure/process.ts';
import { plot } from './plot.ts';
import { takeSample, type Sample } from './sampling.ts';
import { changeWeights, startSetting } from './setting.ts';
import { startTraffic } from './traffic.ts';
import { judge, type Held } from './verdict.ts';

const MINUTES = fromEnvironment('MINUTES', 60, 24 * 60);
const RATE = fromEnvironment('RATE', 200, 2_000);
const WORKERS = fromEnvironment('WORKERS', 2, 16);
const SAMPLE_SECONDS = 10;
const CHANGE_SECONDS = 3;

await using setting = await startSetting(WORKERS);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());

const on = circumstances();
const traffic = startTraffic(setting.port, RATE);
const startedAt = performance.now();
const minute = () => (performance.now() - startedAt) / 60_000;
const samples: Sample[] = [];
const held: Held[] = [];
/** The first look when caches and pools are filled, the second at the end: a full collection is a disturbance. */
const lookAtHeap = async () => {
  const { main, workers } = await setting.heldHeap();
  held.push({ minute: minute(), bytes: main + workers });
};
let changes = 0;
const changing = setInterval(() => changeWeights(setting.matrixFile, ++changes), 1000 * CHANGE_SECONDS);
void setting.serve.exited.then(() => interrupted.abort());

while (minute() < MINUTES && !interrupted.signal.aborted) {
  await sleep(1000 * Math.min(SAMPLE_SECONDS, 60 * (MINUTES - minute())), null, { signal: interrupted.signal }).catch(
    () => null,
  );
  if (interrupted.signal.aborted) break;
  const sample = await takeSample(setting.serve.pid, setting.serve.socket, minute());
  samples.push(sample);
  if (held.length === 0 && sample.minute >= MINUTES / 6) await lookAtHeap();
  const done = [...traffic.counts.values()].reduce((sum, { done: each }) => sum + each, 0);
  const failed = [...traffic.counts.values()].reduce((sum, { failed: each }) => sum + each, 0);
  process.stdout.write(
    `${sample.minute.toFixed(1).padStart(6)} min  ${(sample.rss / 1e6).toFixed(1)} MB resident  ` +
      `heap ${((sample.heap ?? 0) / 1e6).toFixed(1)} MB  ${sample.descriptors} descriptors  ${sample.threads} threads  ` +
      `${done} done  ${failed} failed  ${changes} changes\n`,
  );
}
clearInterval(changing);
await traffic.stop();
if (!interrupted.signal.aborted) await lookAtHeap();
const cpu = cpuTime(setting.serve.pid);

const verdict = judge(samples, held);
const failed = [...traffic.counts]
  .filter(([, count]) => count.failed > 0)
  .map(([kind, count]) => `${count.failed} x ${kind}`);
const faults = [
  ...verdict.faults,
  ...failed,
  ...traffic.failures,
  ...(interrupted.signal.aborted ? ['ended early'] : []),
];
const result = {
  minutes: minute(),
  rate: RATE,
  workers: WORKERS,
  changes,
  cpuSeconds: cpu.user + cpu.system,
  clients: Object.fromEntries(traffic.counts),
  verdict: { ...verdict, faults },
  held,
  samples,
};
if (!interrupted.signal.aborted && MINUTES >= 45) {
  const directory = join(ROOT, 'bench/results', on.version);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'soak.json'), `${JSON.stringify({ circumstances: on, result }, null, 1)}\n`);
  writeFileSync(
    join(directory, 'soak.svg'),
    plot(samples, `${MINUTES} minutes, ${RATE} requests/s, ${changes} changes of weights`),
  );
}
const slopes = `resident memory ${verdict.rssSlope.toFixed(2)} MB/h, heap ${verdict.heapSlope?.toFixed(2) ?? '?'} MB/h, descriptors ${verdict.descriptorSlope.toFixed(1)}/h`;
process.stdout.write(
  `${slopes}\n${faults.length > 0 ? faults.join('\n') : MINUTES < 45 ? 'no request failed; too short to say more' : 'flat, and no request failed'}\n`,
);
process.exitCode = faults.length === 0 ? 0 : 1;

function fromEnvironment(name: string, otherwise: number, most: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return otherwise;
  const value = Number(text);
  if (!(value > 0 && value <= most)) {
    process.stderr.write(`${name}: read '${text}', expected a number above 0 and at most ${most}\n`);
    process.exit(2);
  }
  return value;
}
