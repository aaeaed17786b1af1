/**
 * A process of its own (so that it can run in the clients' network namespace) that asks at a constant rate over kept-alive
 * connections until it is told to stop by a line on standard input, and then prints what came of it as one line of JSON.
 * Bounded by `seconds`. Its argument is a LoadPlan as JSON.
 */
import { createInterface } from 'node:readline';

import { percentiles } from '../faults/figures.ts';
import { LoadClient } from '../faults/load.ts';

export interface LoadPlan {
  readonly address: string;
  readonly port: number;
  readonly host: string;
  /** Asked in turn. */
  readonly paths: readonly string[];
  readonly connections: number;
  /** Requests per second over all connections. */
  readonly rate: number;
  /** Ends by itself after that. */
  readonly seconds: number;
}

export interface LoadReport {
  readonly requests: number;
  readonly failed: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** The first few failures: milliseconds since the start, and what happened. */
  readonly failures: readonly { readonly at: number; readonly path: string; readonly what: string }[];
  /** By path, then by the body of the answer: who served how many. */
  readonly served: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly milliseconds: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly seconds: number;
}

const MOST_FAILURES = 20;

async function run(plan: LoadPlan, stopped: Promise<void>): Promise<LoadReport> {
  const statuses: Record<string, number> = {};
  const failures: LoadReport['failures'][number][] = [];
  const served: Record<string, Record<string, number>> = {};
  const milliseconds: number[] = [];
  const started = performance.now();
  let requests = 0;
  let failed = 0;
  const phase = { over: false };
  const bound = setTimeout(() => (phase.over = true), plan.seconds * 1000);
  void stopped.then(() => (phase.over = true));

  const fail = (at: number, path: string, what: string) => {
    failed++;
    if (failures.length < MOST_FAILURES) failures.push({ at: Math.round(at - started), path, what });
  };
  const client = async () => {
    const connection = new LoadClient(plan.address, plan.port);
    while (!phase.over) {
      const index = requests++;
      const path = plan.paths[index % plan.paths.length] ?? '/';
      await until(started + (1000 * index) / plan.rate);
      const begun = performance.now();
      try {
        const { status, body } = await connection.ask(`GET ${path} HTTP/1.1\r\nHost: ${plan.host}\r\n\r\n`);
        statuses[status] = (statuses[status] ?? 0) + 1;
        if (status !== 200) fail(begun, path, `status ${status}: ${body.slice(0, 100)}`);
        const ofPath = (served[path] ??= {});
        if (status === 200) ofPath[body] = (ofPath[body] ?? 0) + 1;
      } catch (error) {
        fail(begun, path, String(error));
      }
      milliseconds.push(performance.now() - begun);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: plan.connections }, client));
  clearTimeout(bound);
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  return { requests, failed, statuses, failures, served, milliseconds: percentiles(milliseconds), seconds };
}

function until(when: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.max(0, when - performance.now()));
  });
}

const lines = createInterface({ input: process.stdin });
// The parent's end of the pipe closes when it dies, and that ends the load too.
const stopped = new Promise<void>((resolve) => {
  lines.once('line', () => resolve());
  lines.once('close', () => resolve());
});
const report = await run(JSON.parse(process.argv[2] ?? '{}') as LoadPlan, stopped);
process.stdout.write(`${JSON.stringify(report)}\n`);
lines.close();
