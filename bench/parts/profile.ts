/** Where tcpvs' time goes: functions of the worker (and of the main thread) by their own time, sampled by V8 during a load. */
import { relative } from 'node:path';

import { freePort } from '../../src/cli/demo-ports.ts';
import { CASES, PATHS, type Case } from '../cases.ts';
import { h2load } from '../measure/h2load.ts';
import { Inspector } from '../measure/inspector.ts';
import { ROOT } from '../measure/machine.ts';
import { tree } from '../measure/process.ts';
import { wrk } from '../measure/wrk.ts';
import { onStage, type Settings } from './stage.ts';

export interface ProfileResult {
  readonly case: string;
  /** By share of the busy time of both threads, the largest first. */
  readonly functions: readonly { readonly name: string; readonly share: number }[];
}

const MOST_FUNCTIONS = 30;
/** Microseconds between samples. */
const SAMPLING = 200;

export async function measureProfiles(names: readonly string[], settings: Settings): Promise<ProfileResult[]> {
  const results: ProfileResult[] = [];
  for (const each of CASES.filter(({ name }) => names.includes(name))) {
    settings.progress(`profile: ${each.name}`);
    results.push(await profile(each, settings));
  }
  return results;
}

function profile(each: Case, settings: Settings): Promise<ProfileResult> {
  return onStage(each.body, async (stage) => {
    const port = await freePort();
    const running = await stage.start('tcpvs', {
      tls: each.tls === true,
      http2: each.http2 === true,
      h2c: each.h2c ?? null,
      environment: { NODE_OPTIONS: `--inspect-port=127.0.0.1:${port}` },
    });
    const { connections, headers } = each;
    const load = {
      port: running.port,
      connections,
      headers,
      paths: PATHS,
      tls: each.tls === true,
      directory: stage.directory,
    };
    const generator = each.http2 === true ? h2load : wrk;
    await generator({ ...load, seconds: settings.warmUp });
    // The supervisor's child serves.
    const inspector = await Inspector.open(tree(running.pid)[1] ?? running.pid, port);
    const threads: Thread[] = [
      { name: 'main: ', send: (method, parameters) => inspector.send(method, parameters) },
      ...inspector.workers.map((id) => ({
        name: '',
        send: (method: string, parameters?: object) => inspector.sendToWorker(id, method, parameters),
      })),
    ];
    for (const { send } of threads) {
      await send('Profiler.enable');
      await send('Profiler.setSamplingInterval', { interval: SAMPLING });
      await send('Profiler.start');
    }
    await generator({ ...load, seconds: settings.seconds });
    const times = new Map<string, number>();
    for (const { name, send } of threads) {
      const { profile: taken } = (await send('Profiler.stop')) as { profile: CpuProfile };
      for (const [own, time] of selfTimes(taken)) times.set(name + own, time);
    }
    inspector.close();
    await running.stop();
    return { case: each.name, functions: shares(times) };
  });
}

interface Thread {
  readonly name: string;
  readonly send: (method: string, parameters?: object) => Promise<unknown>;
}

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Microseconds by function. */
type SelfTimes = ReadonlyMap<string, number>;

/** Idle time is none of its own; `(program)` is native code, the kernel's calls above all. */
const NOT_BUSY = new Set(['(idle)', '(root)']);

export function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): SelfTimes {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, functionName(callFrame)]));
  const times = new Map<string, number>();
  samples.forEach((id, index) => {
    const name = names.get(id) ?? '?';
    if (!NOT_BUSY.has(name)) times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  });
  return times;
}

function functionName({ functionName: name, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const file = url.startsWith('file:') ? relative(ROOT, new URL(url).pathname) : url;
  return file === '' ? name : `${name === '' ? '(anonymous)' : name} ${file}:${lineNumber + 1}`;
}

function busy(times: SelfTimes): number {
  return [...times.values()].reduce((sum, time) => sum + time, 0);
}

function shares(times: SelfTimes): ProfileResult['functions'] {
  const all = busy(times);
  return [...times]
    .map(([name, time]) => ({ name, share: time / all }))
    .toSorted((a, b) => b.share - a.share)
    .slice(0, MOST_FUNCTIONS);
}
