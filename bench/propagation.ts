/**
 * How long a change is on its way in a cluster: from the moment in which the leading controller has it in its hand (the
 * watch's event) to the acknowledgement of the last of two proxies, over TLS, with all of translation, publication,
 * delivery, planning and the workers between. `node bench/propagation.ts [--rules 10,1000] [--changes N] [--json] [--write]`
 *
 * Processes as in a cluster, on one machine: the leader (this one), a second controller replica that takes up the same
 * changes and offers the same, two `tcpvs proxy` with one worker each. There is no traffic. All proxies have the same
 * listener; the second one finds its port taken, says so, and tries again every second.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { freePort } from '../src/cli/demo-ports.ts';
import { bundleOf, newAuthorities } from '../src/delivery/certificates/authorities.ts';
import { keep, textOf } from './measure/keep.ts';
import { circumstances } from './measure/machine.ts';
import { median } from './measure/statistics.ts';
import { BenchController, type Place } from './propagation/controller.ts';
import { ADDRESSES } from './propagation/place.ts';
import { startProxy } from './propagation/proxies.ts';
import { type Change, CHANGES } from './propagation/world.ts';
import type { Figures, PropagationResult, SizeResult } from './report/change-results.ts';

const PROXIES = ['proxy-0', 'proxy-1'];
/** Milliseconds between an acknowledgement and the next change. */
const PAUSE = 20;
/** Changes of each kind that are not counted. */
const WARM_UP = 30;
/** Milliseconds in which an acknowledgement must come, the first one too. */
const PATIENCE = 60_000;

const { values } = parseArgs({
  options: {
    rules: { type: 'string', default: '10,1000,3000,5000' },
    changes: { type: 'string', default: '200' },
    json: { type: 'boolean' },
    write: { type: 'boolean' },
  },
});
const on = circumstances();
const sizes: SizeResult[] = [];
for (const rules of values.rules.split(',').map(Number)) sizes.push(await measure(rules));
const result: PropagationResult = { proxies: PROXIES.length, replicas: ADDRESSES.length, sizes };
if (values.json === true) process.stdout.write(textOf(on, result));
else print();
if (values.write === true) keep('propagation', on, result);

async function measure(rules: number): Promise<SizeResult> {
  const authorities = newAuthorities(new Date());
  const place = { rules, traffic: await freePort(), port: await freePort(), authorities };
  const leader = await BenchController.start({ ...place, address: ADDRESSES[0] });
  const other = await startReplica({ ...place, address: ADDRESSES[1] });
  const directory = mkdtempSync(join(tmpdir(), 'tcpvs-propagation-'));
  const started = performance.now();
  const start = (name: string) => startProxy(name, directory, place.port, bundleOf(authorities));
  const proxies = await Promise.all(PROXIES.map(start));
  const everywhere = () => Promise.race([acknowledged(leader), ...proxies.map(({ died }) => died)]);
  try {
    await everywhere();
    const first = round(performance.now() - started);
    const took = new Map<Change, number[]>(CHANGES.map((change) => [change, []]));
    const each = Number(values.changes);
    for (let number = 1; number <= (each + WARM_UP) * CHANGES.length; number++) {
      const change = CHANGES[number % CHANGES.length]!;
      await sleep(PAUSE);
      const received = performance.now();
      // Both replicas hear of it; the other one has a watch of its own.
      other.send({ change, round: number });
      leader.take(change, number);
      await everywhere();
      if (number > WARM_UP * CHANGES.length) took.get(change)!.push(performance.now() - received);
    }
    const changes = [...took].map(([change, times]) => ({ change, ...figures(times) }));
    return { rules, pieces: leader.pieces, first, changes, all: figures([...took.values()].flat()) };
  } finally {
    await Promise.all(proxies.map((proxy) => proxy.stop()));
    other.disconnect();
    await leader.server.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Resolves when all proxies serve what the controller has published last. */
function acknowledged({ server, snapshot }: BenchController): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`snapshot ${snapshot} is not acknowledged after ${PATIENCE / 1000} s`));
    const timer = setTimeout(late, PATIENCE);
    const look = (): void => {
      const states = server.replicas();
      if (!PROXIES.every((name) => states.get(name)?.programmed?.snapshot === snapshot)) return;
      end();
      clearTimeout(timer);
      resolve();
    };
    const end = server.onAcknowledge(look);
    look();
  });
}

async function startReplica(place: Place): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'propagation/replica.ts'));
  child.send({ start: place });
  await once(child, 'message');
  return child;
}

function figures(times: readonly number[]): Figures {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN;
  return { count: times.length, p50: round(median(times)), p99: round(at(0.99)), max: round(at(1)) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function print(): void {
  const { machine, load, versions } = on;
  process.stdout.write(`${machine}, Node ${versions['node']}, load ${load} at the start\n\n`);
  process.stdout.write('milliseconds                      changes      p50      p99      max\n');
  for (const { rules, pieces, first, changes, all } of sizes) {
    process.stdout.write(`${rules} rules, ${pieces} pieces (first snapshot in force after ${Math.round(first)} ms)\n`);
    for (const { change, ...each } of [...changes, { change: 'all', ...all }]) {
      const numbers = [each.p50, each.p99, each.max].map((value) => value.toFixed(1).padStart(8));
      process.stdout.write(`  ${change.padEnd(28)} ${String(each.count).padStart(10)} ${numbers.join(' ')}\n`);
    }
  }
}
