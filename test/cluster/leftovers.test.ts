/** Nothing of a cluster stays behind, however its test ends; and two do not see each other. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { skipReason } from './binaries.ts';
import { ownedDirectory } from './owned-directory.ts';

/** A test that has a cluster with one pod, says where, and stops it when it is told to. */
const OWNER = `
import { startCluster } from ${JSON.stringify(join(import.meta.dirname, 'cluster.ts'))};
import { pods, untilReadyPods, untilText } from ${JSON.stringify(join(import.meta.dirname, 'stage.ts'))};

const cluster = await startCluster({ nodes: 1, product: null });
const script = 'readlink /proc/self/ns/pid /proc/self/ns/net; exec sleep 1000';
const containers = [{ name: 'main', image: 'shell', command: ['/bin/sh', '-c', script] }];
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', labels: { app: 'a' } }, spec: { containers } };
await cluster.client.create(pods('default'), pod);
await untilReadyPods(cluster.client, 'default', 'a', 1);
const inPod = await untilText(() => cluster.log('default', 'a'), /net/);
const { stdout } = await cluster.outside.run(['readlink', '/proc/self/ns/pid', '/proc/self/ns/net']);
const namespaces = (inPod + stdout).trim().split('\\n');
process.send({ directory: cluster.directory, namespaces });
await new Promise((resolve) => process.once('message', resolve));
await cluster.stop();
process.disconnect();
`;

const SWEEPER = `
import { ownedDirectory } from ${JSON.stringify(join(import.meta.dirname, 'owned-directory.ts'))};
ownedDirectory();
process.disconnect();
`;

interface Told {
  readonly directory: string;
  /** Of the pod and of the machine. */
  readonly namespaces: readonly string[];
}

/** Temporary files of this test alone: any cluster's test that begins sweeps away what it finds in the common place. */
const place = mkdtempSync(join(tmpdir(), 'tcpvs-left-'));
after(() => rmSync(place, { recursive: true, force: true }));

const startScript = (text: string) => {
  const script = join(ownedDirectory(), 'owner.ts');
  writeFileSync(script, text);
  return spawn(process.execPath, [script], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, TMPDIR: place },
  });
};
const told = async (owner: ChildProcess) => {
  const [message] = (await once(owner, 'message')) as [Told];
  assert.equal(processesIn(message.namespaces).length > 5, true);
  assert.equal(new Set(message.namespaces).size, 4);
  return message;
};
const untilGone = async ({ namespaces }: Told) => {
  for (let tries = 0; tries < 500 && processesIn(namespaces).length > 0; tries++) await sleep(20);
  assert.deepEqual(processesIn(namespaces), []);
};

describe('after a cluster', { skip: skipReason(), timeout: 400_000 }, () => {
  test('that was stopped, and one whose test was killed, there are no processes, networks and files', async () => {
    const owners = [startScript(OWNER), startScript(OWNER)] as const;
    const [stopped, killed] = await Promise.all([told(owners[0]), told(owners[1])]);
    assert.deepEqual(
      stopped.namespaces.filter((each) => killed.namespaces.includes(each)),
      [],
    );

    owners[0].send('stop');
    await once(owners[0], 'exit');
    assert.deepEqual([processesIn(stopped.namespaces), existsSync(stopped.directory)], [[], false]);

    owners[1].kill('SIGKILL');
    await untilGone(killed);
    // Its files are the next one's to sweep away.
    assert.ok(existsSync(killed.directory));
    const next = startScript(SWEEPER);
    await once(next, 'exit');
    assert.equal(existsSync(killed.directory), false);
  });
});

/** Of any process that is in one of these. */
function processesIn(namespaces: readonly string[]): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    return ['pid', 'net'].some((kind) => namespaces.includes(namespaceOf(pid, kind)));
  });
}

function namespaceOf(pid: string, kind: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return '';
  }
}
