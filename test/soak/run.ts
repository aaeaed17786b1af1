/**
 * `make soak MINUTES=120`: a mixture of good and bad clients at a few hundred requests per second, weights that change
 * every few seconds, a look at memory and descriptors every ten, and now and then one at what is left after a full
 * collection. Exit status 0: shown to be flat in memory, descriptors and latency (see verdict.ts), and every request came out
 * as it had to. RATE=N requests
 * per second (default 200), WORKERS=N (default 2).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { circumstances, ROOT } from '../../bench/measure/machine.ts';
import { cpuTime } from '../../bench/measure/process.ts';
import { writePage } from '../reliability/write-page.ts';
import { threadsOf } from './heap.ts';
import { driftText, LatencyRecorder, type LatencyWindow } from './latency.ts';
import { plot } from './plot.ts';
import { takeLevel, takeSample, type Level, type Sample } from './sampling.ts';
import { changeWeights, startSetting } from './setting.ts';
import { startTraffic } from './traffic.ts';
import { judge, slopeText } from './verdict.ts';

const MINUTES = fromEnvironment('MINUTES', 120, 24 * 60);
const RATE = fromEnvironment('RATE', 200, 2_000);
const WORKERS = fromEnvironment('WORKERS', 2, 16);
const SAMPLE_SECONDS = 10;
const CHANGE_SECONDS = 3;
/** Shorter runs are an impression, and kept nowhere. */
const LEAST_MINUTES = 45;
/** Looks at what is left after a collection, over the whole. */
const LOOKS = 48;
/** Milliseconds of which a percentile is taken. */
const LATENCY_WINDOW = 60_000;

await using setting = await startSetting(WORKERS);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());

const on = circumstances();
const latency = new LatencyRecorder();
const [direct] = setting.origins;
if (direct === undefined) throw new Error('no server stands behind tcpvs');
const traffic = startTraffic({ port: setting.port, rate: RATE, direct, latency });
const startedAt = performance.now();
const minute = () => (performance.now() - startedAt) / 60_000;
const samples: Sample[] = [];
const levels: Level[] = [];
const lookAtLevel = async () => {
  const level = await takeLevel(setting, minute);
  levels.push(level);
  const held = threadsOf(level.heap).map(({ objects, code }) => `${megabytes(objects)} + ${megabytes(code)}`);
  process.stdout.write(`${level.minute.toFixed(1).padStart(6)} min  held: objects + code ${held.join(', ')} MB\n`);
};
const latencies: LatencyWindow[] = [];
const timing = setInterval(() => {
  const window = latency.take(minute());
  if (window !== null) latencies.push(window);
}, LATENCY_WINDOW);
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
  if (sample.minute >= ((levels.length + 1) * MINUTES) / LOOKS) await lookAtLevel();
  const done = [...traffic.counts.values()].reduce((sum, { done: each }) => sum + each, 0);
  const failed = [...traffic.counts.values()].reduce((sum, { failed: each }) => sum + each, 0);
  process.stdout.write(
    `${sample.minute.toFixed(1).padStart(6)} min  ${(sample.rss / 1e6).toFixed(1)} MB resident  ` +
      `heap ${((sample.heap ?? 0) / 1e6).toFixed(1)} MB  ${sample.descriptors} descriptors  ${sample.threads} threads  ` +
      `${done} done  ${failed} failed  ${changes} changes\n`,
  );
}
// The last look under load as all before it: connections that are gone are memory that is gone.
if (!interrupted.signal.aborted) await lookAtLevel();
clearInterval(changing);
clearInterval(timing);
await traffic.stop();
const cpu = cpuTime(setting.serve.pid);

const verdict = judge(samples, levels, latencies);
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
  latencies,
  levels,
  samples,
};
if (!interrupted.signal.aborted && MINUTES >= LEAST_MINUTES) {
  const directory = join(ROOT, 'bench/results', on.version);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'soak.json'), `${JSON.stringify({ circumstances: on, result }, null, 1)}\n`);
  writeFileSync(
    join(directory, 'soak.svg'),
    plot(samples, levels, `${MINUTES} minutes, ${RATE} requests/s, ${changes} changes of weights`),
  );
  writePage();
}
const slopes = `after a collection, objects ${slopeText(verdict.objects)} MB/h; in the second half, code ${slopeText(verdict.code)}, heap ${slopeText(verdict.heap)}, resident memory ${slopeText(verdict.rss)} MB/h; descriptors ${slopeText(verdict.descriptors)}/h`;
process.stdout.write(
  `${slopes}\n${driftText(verdict.latency)}\n${faults.length > 0 ? faults.join('\n') : 'flat, and no request failed'}\n`,
);
if (faults.length > 0) process.stdout.write(`tcpvs said:\n${setting.serve.output()}`);
process.exitCode = faults.length === 0 ? 0 : 1;

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}

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
