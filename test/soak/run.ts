/**
 * `make soak MINUTES=120`: a mixture of good and bad clients at half of the rate that this machine can carry, weights that
 * change every few seconds, a look at memory and descriptors every ten, and now and then one at what is left after a full
 * collection. Exit status 0: shown to be flat in memory, descriptors and latency (see verdict.ts), every request came out
 * as it had to, and what was due was sent. RATE=N requests per second (default: half of what a calibration of about a minute
 * finds), WORKERS=N (default 2).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { circumstances, ROOT } from '../../bench/measure/machine.ts';
import { cpuTime } from '../../bench/measure/process.ts';
import { writePage } from '../reliability/write-page.ts';
import { calibrate, type Capacity } from './calibrate.ts';
import { threadsOf } from './heap.ts';
import { driftText, LatencyRecorder, type LatencyWindow } from './latency.ts';
import { plot } from './plot.ts';
import { takeLevel, takeSample, type Level, type Sample } from './sampling.ts';
import { changeWeights, startSetting } from './setting.ts';
import { startTraffic } from './traffic.ts';
import { judge, shortfall, slopeText } from './verdict.ts';

const MINUTES = fromEnvironment('MINUTES', 120, 24 * 60);
/** 0: half of what is found. */
const ASKED_RATE = fromEnvironment('RATE', 0, 4_000);
const WORKERS = fromEnvironment('WORKERS', 2, 16);
const SAMPLE_SECONDS = 10;
const CHANGE_SECONDS = 3;
/** Shorter runs are an impression, and kept nowhere. */
const LEAST_MINUTES = 45;
/** Looks at what is left after a collection, over the whole. */
const LOOKS = 48;
/** Milliseconds of which a percentile is taken. */
const LATENCY_WINDOW = 60_000;

const on = circumstances();
const capacity = ASKED_RATE === 0 ? await findCapacity() : null;
const RATE = capacity === null ? ASKED_RATE : Math.round(capacity.rate / 2);
process.stdout.write(`${RATE} requests/s for ${MINUTES} minutes\n`);
// Another one than that of the calibration: what was left of its load would hide growth.
await using setting = await startSetting(WORKERS);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());

const latency = new LatencyRecorder();
const [direct] = setting.origins.servers;
if (direct === undefined) throw new Error('no server stands behind tcpvs');
const clientsBefore = process.cpuUsage();
const traffic = startTraffic({ port: setting.port, tls: setting.tls, rate: RATE, direct, latency });
const startedAt = performance.now();
const minute = () => (performance.now() - startedAt) / 60_000;
const samples: Sample[] = [];
const levels: Level[] = [];
const lookAtLevel = async () => {
  const level = await takeLevel(setting, minute);
  levels.push(level);
  const held = threadsOf(level.heap).map(({ objects, code }) => `${megabytes(objects)} + ${megabytes(code)}`);
  const kinds = Object.entries(level.resident ?? {}).map(([kind, bytes]) => `${kind} ${megabytes(bytes)}`);
  process.stdout.write(
    `${level.minute.toFixed(1).padStart(6)} min  held: objects + code ${held.join(', ')} MB; resident: ${kinds.join(', ')} MB\n`,
  );
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
  const { done, failed } = traffic.through();
  process.stdout.write(
    `${sample.minute.toFixed(1).padStart(6)} min  ${(sample.rss / 1e6).toFixed(1)} MB resident  ` +
      `heap ${((sample.heap ?? 0) / 1e6).toFixed(1)} MB  ${sample.descriptors} descriptors  ${sample.threads} threads  ` +
      `${done} done  ${failed} failed  ${traffic.due().notSent} not sent  ${changes} changes\n`,
  );
}
// The last look under load as all before it: connections that are gone are memory that is gone.
if (!interrupted.signal.aborted) await lookAtLevel();
clearInterval(changing);
clearInterval(timing);
await traffic.stop();
const cpu = cpuTime(setting.serve.pid);
const serversCpu = cpuTime(setting.origins.pid);
const clientsCpu = process.cpuUsage(clientsBefore);

const verdict = judge(samples, levels, latencies);
const failed = [...traffic.counts]
  .filter(([, count]) => count.failed > 0)
  .map(([kind, count]) => `${count.failed} x ${kind}`);
const faults = [
  ...verdict.faults,
  ...shortfall(traffic.due()),
  ...failed,
  ...new Set(traffic.failures),
  ...(interrupted.signal.aborted ? ['ended early'] : []),
];
const result = {
  minutes: minute(),
  rate: RATE,
  capacity,
  notSent: traffic.due().notSent,
  workers: WORKERS,
  changes,
  cpuSeconds: cpu.user + cpu.system,
  cpuSecondsBeside: {
    clients: (clientsCpu.user + clientsCpu.system) / 1e6,
    servers: serversCpu.user + serversCpu.system,
  },
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
const cores = [result.cpuSeconds, result.cpuSecondsBeside.clients, result.cpuSecondsBeside.servers].map((seconds) =>
  (seconds / 60 / result.minutes).toFixed(2),
);
process.stdout.write(`cores: tcpvs ${cores[0]}, clients ${cores[1]}, servers ${cores[2]}\n`);
process.stdout.write(
  `${slopes}\n${driftText(verdict.latency)}\n${faults.length > 0 ? faults.join('\n') : 'flat, and no request failed'}\n`,
);
if (faults.length > 0) process.stdout.write(`tcpvs said:\n${setting.serve.output()}`);
process.exitCode = faults.length === 0 ? 0 : 1;

async function findCapacity(): Promise<Capacity> {
  await using calibrated = await startSetting(WORKERS);
  return await calibrate(calibrated, (line) => void process.stdout.write(`${line}\n`));
}

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
