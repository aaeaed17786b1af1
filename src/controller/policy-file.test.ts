import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { createLogger } from '../telemetry/log.ts';
import { PolicyFile } from './policy-file.ts';

const FIRST = 'hostPolicy: [{namespaces: [a], hosts: [a.example]}]\n';
const HOSTS = 'hostPolicy: [{namespaces: [b], hosts: [b.example]}]\n';
const ADDRESSES = 'addressPolicy: [{namespaces: [b], cidrs: [192.0.2.0/24]}]\n';

async function scene(t: TestContext, settle: number) {
  const directory = mkdtempSync(join(tmpdir(), 'tcpvs-policy-'));
  const path = join(directory, 'policy.yaml');
  writeFileSync(path, FIRST);
  const lines: string[] = [];
  /** What was in force, one after the other: the namespaces of the hosts' rules and the networks. */
  const inForce: string[] = [];
  const onChange = () => {
    const { hostPolicy, addressPolicy } = file.policy as NonNullable<PolicyFile['policy']>;
    inForce.push([...hostPolicy.flatMap((r) => r.namespaces), ...addressPolicy.flatMap((r) => r.cidrs)].join());
  };
  const log = createLogger({ level: 'info', to: { write: (line: string) => void lines.push(line) } });
  const file = new PolicyFile({ path, log, settle, onChange });
  t.after(() => {
    file.close();
    rmSync(directory, { recursive: true });
  });
  await file.start();
  const until = async (holds: () => boolean) => {
    for (let turn = 0; turn < 1000 && !holds(); turn++) await sleep(10);
    assert.ok(holds(), `${inForce.join(' | ')} ${lines.join('')}`);
  };
  return { path, file, lines, inForce, until };
}

void test('a file that is written in place is in force when it is whole', async (t) => {
  const { path, inForce, until } = await scene(t, 700);
  assert.deepEqual(inForce, ['a']);
  writeFileSync(path, HOSTS);
  await sleep(100);
  appendFileSync(path, ADDRESSES);
  await until(() => inForce.length > 1);
  assert.deepEqual(inForce, ['a', 'b,192.0.2.0/24']);
});

void test('a file that is empty, faulty or gone changes nothing, is told once, and what is mended is in force', async (t) => {
  const { path, file, lines, inForce, until } = await scene(t, 1);
  const told = (text: string) => lines.filter((line) => line.includes(text)).length;
  writeFileSync(path, '');
  await until(() => file.fault?.includes('read an empty file') === true);
  writeFileSync(path, 'hostPolicy: 7\n');
  await until(() => file.fault?.includes('line 1, column 1') === true);
  rmSync(path);
  await until(() => file.fault?.includes('ENOENT') === true);
  assert.deepEqual(inForce, ['a']);
  assert.equal(told('read an empty file'), 1);
  assert.equal(told('the policy of before stays in force'), 3);
  writeFileSync(path, HOSTS);
  await until(() => inForce.length > 1);
  rmSync(path);
  await until(() => file.fault?.includes('ENOENT') === true);
  writeFileSync(path, HOSTS);
  await until(() => file.fault === null);
  assert.ok(
    inForce.slice(1).every((text) => text === 'b'),
    inForce.join(' | '),
  );
});
