/** The stage of real processes comes up, serves, is limited, and leaves nothing behind, however it ends. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { groupsOf, quotaOf, sweepGroups } from './control-groups.ts';
import type { Told } from './fixture/smoke.ts';
import { sweepDirectories, whyNoTestbed } from './isolated.ts';
import { INSTANCE_MEMORY } from './scenarios.ts';

const OWNER = `
import { runInside } from ${JSON.stringify(join(import.meta.dirname, 'isolated.ts'))};
process.exitCode = await runInside(${JSON.stringify(join(import.meta.dirname, 'fixture/smoke.ts'))}, []);
`;

const startOwner = (): ChildProcess =>
  spawn(process.execPath, ['--input-type=module-typescript', '-e', OWNER], { stdio: ['pipe', 'pipe', 'inherit'] });

async function told(owner: ChildProcess): Promise<Told> {
  for await (const line of createInterface({ input: owner.stdout! })) return JSON.parse(line) as Told;
  throw new Error('the stage ended without a word');
}

/** Processes whose command line names the run's directory: tcpvs, instances, what started them. */
const processesOf = ({ directory }: Told): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(directory);
      } catch {
        return false;
      }
    });

async function untilNone(of: () => readonly unknown[]): Promise<void> {
  for (let tries = 0; tries < 500 && of().length > 0; tries++) await sleep(20);
  assert.deepEqual(of(), []);
}

const why = whyNoTestbed();

describe('the stage', { skip: process.env['CI'] === undefined && why !== null && why }, () => {
  test('comes up, serves through tcpvs, is limited, and leaves nothing behind', async () => {
    const owner = startOwner();
    const stage = await told(owner);
    assert.equal(stage.answers.length > 20, true);
    assert.deepEqual(
      stage.answers.filter(([, status]) => status !== 200),
      [],
    );
    const [burned, read] = ['burn', 'read'].map((app) => stage.answers.filter(([name]) => name === app).length);
    // What was started and warmed is in it too: never less than the requests asked for.
    assert.equal(stage.cpu >= 0.002 * burned!, true, `${stage.cpu} s for ${burned} requests`);
    assert.equal(stage.io >= 65_536 * read!, true, `${stage.io} bytes for ${read} requests`);
    assert.deepEqual(
      new Set(stage.namespaces.map((line) => line.split(' ')[0])),
      new Set(['smoke-web1', 'smoke-web2']),
    );
    const { period, micros } = quotaOf(0.25);
    const memory = INSTANCE_MEMORY + 16 * 2 ** 20;
    const [cpu = '', bytes, reads = ''] = stage.limits;
    assert.equal([`${micros}`, `${micros} ${period}`].includes(cpu), true, cpu);
    assert.equal(Number(bytes), memory);
    assert.match(reads, /^\d+:\d+ (rbps=)?8388608\b/);

    owner.stdin!.end('end\n');
    const [code] = await once(owner, 'exit');
    assert.equal(code, 0);
    assert.deepEqual(groupsOf(stage.owner), []);
    assert.deepEqual(processesOf(stage), []);
    assert.equal(existsSync(stage.directory), false);
  });

  test('goes with its owner, and the next one removes what is left', async () => {
    const owner = startOwner();
    const stage = await told(owner);
    assert.equal(processesOf(stage).length > 3, true);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    await untilNone(() => processesOf(stage));
    await untilNone(() => {
      sweepGroups();
      return groupsOf(stage.owner);
    });
    sweepDirectories();
    assert.equal(existsSync(stage.directory), false);
  });
});
