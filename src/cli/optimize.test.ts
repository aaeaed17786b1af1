import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { DEMO, demoProblem } from '../placement/fixture.ts';
import type { Result } from '../placement/result.ts';
import { progressLine } from './optimize-text.ts';
import { styleOf } from './output.ts';
import { runTcpvs } from './tcpvs-run.ts';

const directory = mkdtempSync(join(tmpdir(), 'tcpvs-optimize-'));
const EXAMPLE = join(import.meta.dirname, '../../examples/20-placement');
after(() => rmSync(directory, { recursive: true }));

async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const status = await runTcpvs(['optimize', ...args], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    style: styleOf({}),
  });
  return { status, out, err };
}

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

describe('tcpvs optimize', () => {
  it('prints the demo matrix for the demo’s demands, as JSON and as a table', async () => {
    const path = file('demo.json', JSON.stringify(demoProblem()));
    const { status, out, err } = await run('-f', path, '--json');
    assert.deepEqual([status, err], [0, '']);
    const { load, satisfied } = JSON.parse(out) as Result;
    assert.ok(satisfied > 1 - 1e-9);
    for (const { column, host, weight } of load) assert.equal(weight / 100, DEMO[column]?.[host], `${column} ${host}`);

    const shown = await run('-f', path);
    assert.match(shown.out, /^100\.0 % of the demand is served/);
    assert.match(shown.out, /^appc +87 +13 +100 +100$/m);
    assert.match(shown.out, /^web1 .*100\.0 %$/m);
    assert.ok(!shown.out.includes('\u001B') && shown.err === '');
  });

  it('runs the example, and what it says of the day after', async () => {
    const today = await run('--file', join(EXAMPLE, 'problem.yaml'));
    assert.match(today.out, /^100\.0 % of the demand is served; proven/);
    const tomorrow = await run('-f', join(EXAMPLE, 'tomorrow.yaml'));
    assert.match(tomorrow.out, /^Changes, in this order \(\d+\)$/m);
    assert.match(tomorrow.out, /^Not served, and why \(\d+\)$/m);
  });

  it('is done in time, and the same for the same seed', async () => {
    const path = join(EXAMPLE, 'problem.yaml');
    const result = JSON.parse((await run('-f', path, '--json', '--budget', '300')).out) as Result;
    assert.ok(result.satisfied > 0.9);
    const answers = await Promise.all([1, 2].map(() => run('-f', path, '--json', '--seed', '5')));
    const [one, two] = answers.map(({ out }) => ({ ...(JSON.parse(out) as Result), seconds: 0 }));
    assert.deepEqual(one, two);
  });

  it('tells faults with line and column', async () => {
    const text = readFileSync(join(EXAMPLE, 'problem.yaml'), 'utf8').replace("rate: '30'", "rate: 'many'");
    const { status, out, err } = await run('-f', file('faulty.yaml', text));
    assert.deepEqual([status, out], [1, '']);
    assert.match(err, /faulty\.yaml:\d+:\d+: problem: columns\[1\]\.rate: read "many", expected a quantity/);
    assert.match((await run('-f', file('broken.yaml', 'hosts: ['))).err, /broken\.yaml:1:\d+: read .*, expected YAML/);
    assert.match((await run('-f', file('empty.yaml', ''))).err, /read 0 documents, expected one problem/);
  });

  it('tells a wrong command line from a file that is not there', async () => {
    assert.deepEqual(await run(), {
      status: 2,
      out: '',
      err: 'tcpvs: --file FILE is needed (see tcpvs optimize --help)\n',
    });
    assert.match((await run('-f', 'x', '--budget', '0')).err, /--budget: read "0", expected a whole number from 1/);
    assert.match((await run('-f', 'x', '--seed', 'one')).err, /--seed: read "one"/);
    const absent = await run('-f', join(directory, 'absent.yaml'));
    assert.equal(absent.status, 1);
    assert.match(absent.err, /absent\.yaml cannot be read: ENOENT/);
  });

  it('shows many hosts as blocks, and counts what it does not list', async () => {
    const hosts = Array.from({ length: 60 }, (_, at) => ({ name: `h${at}`, capacity: { cpu: 1 }, memory: 2 }));
    const columns = hosts.map((_, at) => ({ name: `c${at}`, rate: 50, cost: { cpu: 0.01 } }));
    const { out } = await run('-f', file('many.json', JSON.stringify({ hosts, columns })));
    assert.match(out, /cpu used, a block per host least \d/);
    assert.match(out, /^[ ▁▂▃▄▅▆▇█]{60}$/m);
    assert.match(out, /and \d+ more: --json has all of them/);
  });

  it('shows how far it is', () => {
    assert.equal(
      progressLine({ step: 'search', part: 0.5, satisfied: 0.987 }),
      `search   [${'█'.repeat(12)}${' '.repeat(12)}] 98.7 % served`,
    );
  });
});
