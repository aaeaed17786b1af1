/** Row 1: a server crashes in the middle of its answer. The client must see an error, soon; never a clean end. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';

import { WireReader } from '../robustness/checker.ts';
import { count, FULL, percentiles, report, sleep } from './figures.ts';
import { get, LoadServer } from './load.ts';
import { type Served, startServe } from './serve.ts';

const ANSWERS: Record<string, string> = {
  length: `HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(50_000)}`,
  chunked: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n${'x'.repeat(4096)}\r\n1000\r\nxxx`,
  close: `HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${'x'.repeat(5000)}`,
};
/** FIN ends a close-delimited body as it should: there only RST is an error. */
const MODES = ['length FIN', 'length RST', 'chunked FIN', 'chunked RST', 'close RST'] as const;

interface Seen {
  readonly clean: boolean;
  readonly milliseconds: number;
}

/** Asks once; the server gives its piece and, when that has arrived here, ends. */
function once(served: Served, ending: Map<string, () => number>, target: string): Promise<Seen | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: served.address, port: served.port, noDelay: true });
    const reader = new WireReader('answer');
    let ended = Number.NaN;
    const timer = setTimeout(() => {
      socket.destroy();
      resolve(null);
    }, 10_000);
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ clean: reader.completed.length > 0, milliseconds: performance.now() - ended });
    };
    socket.on('data', (bytes: Buffer) => {
      reader.push(bytes);
      if (Number.isNaN(ended) && (reader.messages[0]?.length ?? 0) > 0) ended = ending.get(target)!();
    });
    socket.on('end', () => {
      reader.end();
      done();
    });
    socket.on('error', done);
    socket.write(get(target));
  });
}

/**
 * The heaps of the workers grow to their working size first. Rounds of all modes, until two of them in a row have brought
 * no new maximum: what grew without end would never get there.
 * @returns the resident bytes after each round, and the median of the last three
 */
async function levelOff(served: Served, round: () => Promise<void>): Promise<{ rounds: number[]; rss: number }> {
  const rounds: number[] = [];
  const most = count(1, 15);
  while (rounds.length < most) {
    await round();
    await sleep(500);
    rounds.push(served.rss);
    if (rounds.length > 3 && Math.max(...rounds.slice(-2)) <= Math.max(...rounds.slice(0, -2))) break;
  }
  const rss = rounds.slice(-3).toSorted((a, b) => a - b)[Math.min(1, rounds.length - 1)]!;
  return { rounds, rss };
}

test('1. answers that break off are errors at the client', { timeout: FULL ? 600_000 : 60_000 }, async (t) => {
  const origin = await LoadServer.start();
  const served = await startServe({ servers: [{ port: origin.port }], rule: { retry: { attempts: 0 } } });
  t.after(async () => {
    await served.stop();
    await origin.close();
  });
  const ending = new Map<string, () => number>();
  origin.answer = ({ target, socket }) => {
    const [kind, end] = target.slice(1).split('-');
    ending.set(target, () => {
      if (end === 'FIN') socket.end();
      else socket.resetAndDestroy();
      return performance.now();
    });
    socket.write(ANSWERS[kind!]!);
  };
  const each = count(40, 2000);
  const run = async (mode: string, number: number) => {
    const seen: (Seen | null)[] = [];
    let next = 0;
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        while (next < number) {
          const target = `/${mode.replace(' ', '-')}-${next++}`;
          seen.push(await once(served, ending, target));
          ending.delete(target);
        }
      }),
    );
    return seen;
  };
  const warmUp = await levelOff(served, async () => {
    for (const mode of MODES) await run(mode, count(40, 2000));
  });
  const before = { rss: warmUp.rss, sockets: served.sockets };
  const results: Record<string, unknown> = {};
  for (const mode of MODES) {
    const seen = await run(mode, each);
    const hangs = seen.filter((item) => item === null).length;
    const clean = seen.filter((item) => item?.clean === true).length;
    const delays = percentiles(seen.flatMap((item) => (item === null ? [] : [item.milliseconds])));
    results[mode] = { answers: each, hangs, cleanEnds: clean, detectedMs: delays };
    assert.equal(hangs, 0, `${mode}: hangs`);
    assert.equal(clean, 0, `${mode}: clean ends`);
    // The figure is 100 ms; reduced runs share their processors with others.
    assert.ok(delays.p99 <= (FULL ? 100 : 1000), `${mode}: ${JSON.stringify(delays)}`);
  }
  await sleep(1000);
  const after = { rss: served.rss, sockets: served.sockets };
  report(1, 'crash in the middle of an answer', { results, warmUp, before, after });
  assert.ok(after.sockets <= before.sockets + 4, `sockets: ${before.sockets} → ${after.sockets}`);
  if (FULL) assert.ok(after.rss <= before.rss * 1.05, `RSS: ${before.rss} → ${after.rss}`);
});
