import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { styleOf } from './output.ts';
import { SIMULATE_HELP } from './simulate-options.ts';
import type { Simulation } from './simulate-text.ts';
import { runTcpvs } from './tcpvs-run.ts';

const ROOT = join(import.meta.dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'tcpvs-simulate-'));
after(() => rmSync(directory, { recursive: true }));

async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const status = await runTcpvs(['simulate', ...args], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    style: styleOf({}),
  });
  return { status, out, err };
}

interface Answer {
  readonly seconds: number;
  readonly before: Simulation;
  readonly after: Simulation | null;
}

/** Two hosts of two cores; the app needs one and a half of them. */
const path = join(directory, 'problem.json');
const problem = {
  hosts: [
    { name: 'web1', capacity: { cpu: 2 } },
    { name: 'web2', capacity: { cpu: 2 } },
  ],
  workloads: [{ name: 'app', memory: 1 }],
  columns: [{ name: 'app', rate: 30, cost: { cpu: 0.05 } }],
  current: [
    { host: 'web1', workload: 'app' },
    { host: 'web2', workload: 'app' },
  ],
};
writeFileSync(path, JSON.stringify(problem));

async function answerOf(...args: string[]): Promise<Answer> {
  const { status, out, err } = await run('-f', path, '--json', ...args);
  assert.deepEqual([status, err], [0, '']);
  return JSON.parse(out) as Answer;
}

/** Answered in time after the change. */
const part = ({ after: then }: Answer): number => then!.columns[0]!.part!;

describe('tcpvs simulate', () => {
  it('says what is answered and how full hosts are', async () => {
    const { before: now, after: then, seconds } = await answerOf();
    assert.deepEqual([then, seconds], [null, 300]);
    assert.equal(now.columns[0]!.part, 1);
    for (const { used, inFlight } of now.hosts) {
      // Half of 1.5 of 2 cores; two of them at 0.375 have 0.87 in flight on average.
      assert.ok(Math.abs(used['cpu']! - 0.375) < 0.03, String(used['cpu']));
      assert.ok(inFlight > 0.75 && inFlight < 1, String(inFlight));
    }
  });

  it('before and after a lost host, another demand, other weights', async () => {
    const lost = await answerOf('--lose-host', 'web2');
    assert.deepEqual(
      lost.after!.hosts.map(({ host }) => host),
      ['web1'],
    );
    assert.ok(lost.after!.columns[0]!.part! > 0.99 && lost.after!.hosts[0]!.used['cpu']! > 0.7);
    assert.ok(lost.after!.columns[0]!.p99! > lost.before.columns[0]!.p99!);

    const more = await answerOf('--demand', 'app=x4', '--lose-host', 'web2');
    assert.ok(more.after!.columns[0]!.part! < 0.2);
    const stopping = await answerOf('--demand', '*=x4', '--lose-host', 'web2', '--stops', '--accepts', '10');
    assert.ok(stopping.after!.columns[0]!.part! > 2 * more.after!.columns[0]!.part!);

    const shifted = await answerOf('--weights', 'app:web1=3,web2=1');
    const [one, two] = shifted.after!.hosts;
    assert.ok(Math.abs(one!.used['cpu']! / two!.used['cpu']! - 3) < 0.2);
    assert.deepEqual(shifted.before, (await answerOf()).before);
  });

  it('with caps: what they leave no room for is refused, or waits as long as it can be answered, or for a time', async () => {
    const [overload, caps] = [
      ['--demand', 'app=x4'],
      ['--caps', 'app:web1=2,web2=2'],
    ];
    const none = await answerOf(...overload);
    const refusing = await answerOf(...overload, ...caps);
    const waiting = await answerOf(...overload, ...caps, '--queue', 'deadline');
    const late = await answerOf(...overload, ...caps, '--queue', '4.99');
    // Of 120 requests/s 80 can be served.
    assert.ok(part(none) < 0.1, String(part(none)));
    assert.ok(part(refusing) > 0.5 && part(refusing) < 0.67, String(part(refusing)));
    assert.ok(part(waiting) > 0.64 && part(waiting) < 0.67, String(part(waiting)));
    assert.ok(part(late) < part(waiting) - 0.1, String(part(late)));
    for (const { after: then, before: now } of [refusing, waiting]) {
      assert.equal(now.refused, 0);
      assert.ok(Math.abs(then!.refused + then!.columns[0]!.part! - 1) < 0.02);
    }
    const { out } = await run('-f', path, ...overload, ...caps, '--seconds', '60');
    assert.match(out, /^after: {2}[0-9.]+ % of the requests are answered in time, [0-9.]+ % are refused$/m);
  });

  it('shows it as tables', async () => {
    const { out } = await run('-f', path, '--lose-host', 'web2', '--balance', 'LeastConnections', '--seconds', '60');
    assert.match(out, /^before: 100\.0 % of the requests are answered in time$/m);
    assert.match(out, /^app +30 +\d+/m);
    assert.match(out, /^web2 .*→ lost.*→ lost$/m);
    assert.ok(!out.includes('\u001B'));
  });

  it('takes what would be started where nothing runs', async () => {
    const { status, out } = await run('-f', join(ROOT, 'examples/20-placement/problem.yaml'), '--seconds', '20');
    assert.equal(status, 0);
    assert.match(out, /nothing runs yet: this is what tcpvs optimize would start/);
    assert.match(out, /^shop-browse +240 +\d/m);
  });

  it('is the same for the same seed', async () => {
    const args = ['--demand', 'app=x2', '--balance', 'PowerOfTwo', '--seconds', '30'];
    assert.deepEqual(await answerOf(...args), await answerOf(...args));
    assert.notDeepEqual(await answerOf(...args), await answerOf(...args, '--seed', '2'));
  });

  it('says what is wrong', async () => {
    const wrong: readonly (readonly [number, RegExp, ...string[]])[] = [
      [2, /--file FILE is needed/],
      [2, /--demand: read "app", expected COLUMN=RATE or COLUMN=xFACTOR/, '-f', path, '--demand', 'app'],
      [2, /--demand: read "app=x-1"/, '-f', path, '--demand', 'app=x-1'],
      [2, /--weights: read "app", expected/, '-f', path, '--weights', 'app'],
      [2, /--weights: read "web1=70000" in/, '-f', path, '--weights', 'app:web1=70000'],
      [2, /--weights: app stands twice/, '-f', path, '--weights', 'app:web1=1', '--weights', 'app:web2=1'],
      [2, /--caps: read "web1=0" in .*N of 1 to 1000000/, '-f', path, '--caps', 'app:web1=0'],
      [2, /--queue: read "long", expected none, deadline, or seconds/, '-f', path, '--queue', 'long'],
      [2, /--balance: read "Random", expected one of RoundRobin/, '-f', path, '--balance', 'Random'],
      [2, /--timeout: read "0", expected seconds above 0/, '-f', path, '--timeout', '0'],
      [1, /there is no host web9; there are web1, web2/, '-f', path, '--lose-host', 'web9'],
      [1, /more than 10,000,000 requests; at most 333 s/, '-f', path, '--demand', 'app=30000', '--seconds', '400'],
      [1, /cannot be read: ENOENT/, '-f', join(directory, 'absent.yaml')],
    ];
    for (const [expected, message, ...args] of wrong) {
      const { status, out, err } = await run(...args);
      assert.deepEqual([status, out], [expected, ''], args.join(' '));
      assert.match(err, message);
    }
  });

  it('has every option in its document', () => {
    const page = readFileSync(join(ROOT, 'docs/simulate.md'), 'utf8');
    for (const name of Object.keys(SIMULATE_HELP.options)) assert.match(page, new RegExp(`--${name}\\b`), name);
  });
});
