/**
 * Load as httperf makes it: every request on a connection of its own, when it is due, whatever became of those before it (open
 * loop); who has waited for five seconds goes away.
 */
import { connect } from 'node:net';

import type { Arrivals } from '../../../src/simulation/arrivals.ts';

export interface Target {
  readonly address: string;
  readonly port: number;
  /** Seconds that a client waits. */
  readonly timeout: number;
}

/** What became of requests, in the order of the arrivals. */
export interface Answers {
  /** Seconds from when a request was due to its answer's end; NaN: no answer in time, or not 200. */
  readonly seconds: Float64Array;
  /** Status of the answer; 0: none within the time, -1: the connection broke. */
  readonly status: Int16Array;
  /** The latest that a request was sent after it was due, s: how far the figures can be trusted. */
  readonly late: number;
}

/** @param names of the columns: a request for `/NAME/?size=…`, its work in units of the mean */
export async function generate(arrivals: Arrivals, names: readonly string[], target: Target): Promise<Answers> {
  const seconds = new Float64Array(arrivals.count).fill(Number.NaN);
  const status = new Int16Array(arrivals.count);
  const start = performance.now();
  const open: Promise<void>[] = [];
  let late = 0;
  for (let i = 0; i < arrivals.count; i++) {
    const due = start + 1000 * arrivals.time[i]!;
    const wait = due - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    late = Math.max(late, (performance.now() - due) / 1000);
    const asked = async (): Promise<void> => {
      status[i] = await ask(target, pathOf(arrivals, i, names), due);
      if (status[i] === 200) seconds[i] = (performance.now() - due) / 1000;
    };
    open.push(asked());
  }
  await Promise.all(open);
  return { seconds, status, late };
}

/** Asks for the same thing again and again for so many seconds, one at a time; seconds of each answer. Errors: one was not answered. */
export async function probe(target: Target, path: string, seconds: number): Promise<number[]> {
  const until = performance.now() + 1000 * seconds;
  const times: number[] = [];
  while (performance.now() < until) {
    const from = performance.now();
    const status = await ask(target, path, from);
    if (status !== 200) throw new Error(`${path}: status ${status}, expected 200 of a server with nothing else to do`);
    times.push((performance.now() - from) / 1000);
  }
  return times;
}

/** What request i asks for. */
export function pathOf({ column, work }: Arrivals, i: number, names: readonly string[]): string {
  return `/${names[column[i]!]}/?size=${work[i]!.toFixed(3)}`;
}

function ask({ address, port, timeout }: Target, path: string, due: number): Promise<number> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ host: address, port, noDelay: true });
    const end = (status: number): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(status);
    };
    const timer = setTimeout(() => end(0), Math.max(0, due + 1000 * timeout - performance.now()));
    socket.setEncoding('latin1');
    socket.on('error', () => end(-1));
    socket.on('data', (chunk: string) => (text += chunk));
    // The whole answer has been read: the server closes after it.
    socket.on('end', () => end(Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? -1)));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: testbed\r\nConnection: close\r\n\r\n`);
  });
}
