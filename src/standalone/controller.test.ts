import assert from 'node:assert/strict';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';

import type { ApiObject, CountsDocument } from '../admin/contract.ts';
import { Refusal } from '../admin/refusal.ts';
import { BUILT_IN_SERVICES } from '../ktcpvs/services.ts';
import type { CellCounts } from '../model/counts.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { ListenerState, Programmed } from '../proxy/serving-contract.ts';
import { createLogger } from '../telemetry/log.ts';
import { checkPattern } from '../translate/check-pattern.ts';
import { translate } from '../translate/translate.ts';
import { Controller } from './controller.ts';
import { temporaryDirectory } from './fixture/temporary-directory.ts';
import { fileParser } from './parse-file.ts';
import { StandaloneSource } from './source.ts';
import { StateDirectory } from './state-directory.ts';

/** A proxy that acknowledges when the test says so (at once, unless `hold` is set). */
class FakeServing {
  readonly ready = true;
  readonly asked: Snapshot[] = [];
  hold = false;
  release: () => void = () => undefined;
  listeners: readonly ListenerState[] = [];
  error: string | null = null;
  document: CountsDocument = { rows: [], endpoints: [] };

  async configure(snapshot: Snapshot): Promise<Programmed> {
    this.asked.push(snapshot);
    if (this.hold) await new Promise<void>((resolve) => (this.release = resolve));
    const { listeners, error } = this;
    return { snapshot: snapshot.id, listeners, milliseconds: 1, ...(error === null ? {} : { error }) };
  }

  counts(): CountsDocument {
    return this.document;
  }

  totals(): never {
    throw new Error('not asked here');
  }
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const HEAD = 'apiVersion: tcpvs.io/v1alpha1\n';
const SERVERS = ['web1', 'web2']
  .map((name, i) => `${HEAD}kind: RealServer\nmetadata: {name: ${name}}\nspec: {address: 127.0.0.1${i}, port: 80}\n`)
  .join('---\n');

function http(pattern: string, port = 8000): string {
  return `${HEAD}kind: TcpVirtualServer
metadata: {name: http}
spec:
  listeners: [{name: web, port: ${port}}]
  scheduler: hhttp
  matrixRefs: [{name: m}]
  rules: [{name: a, match: {path: {type: Pattern, value: "${pattern}"}}, app: a}]
`;
}

function matrix(weight: number): string {
  return `${HEAD}kind: AppWeightMatrix
metadata: {name: m}
spec:
  apps: [{name: a}]
  rows: [{server: web1, weights: [{app: a, weight: ${weight}}]}, {server: web2, weights: [{app: a, weight: 1}]}]
`;
}

async function directory(files: Readonly<Record<string, string>>): Promise<string> {
  const path = temporaryDirectory();
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return path;
}

const FILES = { 'servers.yaml': SERVERS, 'http.yaml': http('^/a'), 'matrix.yaml': matrix(3) };

async function open(config: string, stateDir?: string) {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', to: { write: (line: string) => void lines.push(line) } });
  const stateDirectory = stateDir === undefined ? null : await StateDirectory.open(stateDir);
  const source = await StandaloneSource.open({ config, parse: fileParser(BUILT_IN_SERVICES), stateDirectory, log });
  const serving = new FakeServing();
  const controller = new Controller({
    source,
    serving,
    log,
    translate: (state, previous) => translate(state, { checkPattern, ...(previous === undefined ? {} : { previous }) }),
  });
  closers.push(async () => {
    controller.close();
    await source.close();
  });
  const condition = (kind: string, name: string, type: string) => {
    const object = controller.status().objects.find((o) => o.kind === kind && o.metadata.name === name);
    return object?.status.conditions.find((c) => c.type === type);
  };
  return { controller, source, serving, lines, condition };
}

const refused = (status: number, message: RegExp) => (error: unknown) =>
  error instanceof Refusal && error.status === status && message.test(error.message);

test('a rehearsal is translated as a change would be, and nothing of it stays', async () => {
  const config = await directory(FILES);
  const { controller, source, serving, lines } = await open(config);
  await controller.start();
  const [status, state, snapshot] = [controller.status(), source.state, controller.snapshot];
  controller.rehearse();
  assert.deepEqual(controller.status(), status);
  assert.deepEqual([source.state, controller.snapshot, serving.asked.length], [state, snapshot, 1]);
  await writeFile(join(config, 'matrix.yaml'), matrix(4));
  await controller.reload();
  assert.equal(serving.asked.length, 2);
  assert.deepEqual(
    lines.filter((line) => line.includes('rehearse')),
    [],
  );
});

test('the start: one snapshot, everything Programmed and Ready, the revision as the source has it', async () => {
  const { controller, serving, source, condition } = await open(await directory(FILES));
  assert.equal(controller.snapshot, null);
  assert.match(controller.waiting ?? '', /not served yet/);
  await controller.start();
  assert.equal(serving.asked.length, 1);
  assert.equal(controller.snapshot, serving.asked[0]);
  assert.equal(controller.waiting, null);
  assert.equal(condition('TcpVirtualServer', 'http', 'Programmed')?.status, 'True');
  for (const [kind, name] of [
    ['TcpVirtualServer', 'http'],
    ['RealServer', 'web1'],
    ['AppWeightMatrix', 'm'],
  ] as const) {
    assert.equal(condition(kind, name, 'Ready')?.status, 'True', kind);
  }
  assert.equal(controller.objects().revision, source.state.revision);
});

test('until the workers have acknowledged, nothing is Programmed; changes meanwhile make one more snapshot', async () => {
  const config = await directory(FILES);
  const { controller, serving, source, condition } = await open(config);
  serving.hold = true;
  const started = controller.start();
  assert.equal(condition('TcpVirtualServer', 'http', 'Programmed'), undefined);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(condition('TcpVirtualServer', 'http', 'Programmed')?.status, 'Unknown');
  // The source takes all three; the proxy is still busy with the first snapshot.
  for (const weight of [4, 5, 6]) {
    // By renaming: a file that is being written is empty for a moment, and on a busy machine for longer than that.
    await writeFile(join(config, 'matrix.new'), matrix(weight));
    await rename(join(config, 'matrix.new'), join(config, 'matrix.yaml'));
    await source.reload();
  }
  assert.equal(serving.asked.length, 1);
  serving.hold = false;
  serving.release();
  await started;
  assert.equal(serving.asked.length, 2);
  assert.equal(condition('AppWeightMatrix', 'm', 'Programmed')?.observedGeneration, 4);
  assert.equal(condition('AppWeightMatrix', 'm', 'Programmed')?.status, 'True');
});

test('a change that does not touch what is served asks nothing of the proxy', async () => {
  const config = await directory(FILES);
  const { controller, serving } = await open(config);
  await controller.start();
  await writeFile(join(config, 'matrix.yaml'), `# a comment\n${matrix(3)}`);
  await controller.reload();
  assert.equal(serving.asked.length, 1);
  await writeFile(join(config, 'matrix.yaml'), matrix(4));
  await controller.reload();
  assert.equal(serving.asked.length, 2);
});

test('an object that is right in form but not accepted: its last good version serves, also after a restart', async () => {
  const config = await directory(FILES);
  const state = await directory({});
  const first = await open(config, state);
  await first.controller.start();
  const served = first.controller.snapshot?.id;
  await writeFile(join(config, 'http.yaml'), http('((', 9000));
  await first.controller.reload();
  assert.equal(first.controller.snapshot?.id, served);
  const accepted = first.condition('TcpVirtualServer', 'http', 'Accepted');
  assert.deepEqual([accepted?.status, accepted?.reason], ['False', 'InvalidPattern']);
  assert.match(accepted?.message ?? '', /last good version keeps serving/);
  assert.ok(first.lines.some((line) => line.includes('Accepted is False')));
  await first.source.close();

  const second = await open(config, state);
  await second.controller.start();
  assert.equal(second.controller.snapshot?.id, served);
});

test('a write is in force when it returns; one that would not be accepted is refused and changes nothing', async () => {
  const { controller, serving } = await open(await directory(FILES));
  await controller.start();
  const { revision, objects } = controller.objects();
  const virtual = objects.find((o) => o.kind === 'TcpVirtualServer') as ApiObject & { spec: { rules: object[] } };
  const withRule = (value: string) => ({
    ...virtual,
    spec: { ...virtual.spec, rules: [{ name: 'x', match: { path: { type: 'Pattern', value } }, app: 'a' }] },
  });
  const write = (object: ApiObject) => controller.write({ revision, apply: [object], delete: [] });
  await assert.rejects(write(withRule('((')), refused(422, /TcpVirtualServer default\/http: .*\(\(/));
  await assert.rejects(write({ ...virtual, spec: { listeners: 1 } }), refused(400, /spec\.listeners: read 1/));
  await assert.rejects(write({ ...virtual, kind: 'Pod' }), refused(400, /kind: read "Pod", expected one of/));
  assert.equal(serving.asked.length, 1);
  assert.equal(controller.objects().revision, revision);
  const after = await write(withRule('^/b'));
  assert.ok(after.revision > revision);
  assert.equal(serving.asked.length, 2);
  const piece = controller.snapshot?.pieces.find((p) => p.kind === 'VirtualServer');
  assert.equal(piece?.kind === 'VirtualServer' ? piece.rules[0]?.match.path?.value : null, '^/b');
});

test('a port that is taken, and a configuration that is too large, are said', async () => {
  const config = await directory(FILES);
  const { controller, serving, condition } = await open(config);
  serving.listeners = [{ address: '::', port: 8000, error: 'cannot bind :: port 8000: it is in use' }];
  await controller.start();
  const programmed = condition('TcpVirtualServer', 'http', 'Programmed');
  assert.deepEqual([programmed?.status, programmed?.reason], ['False', 'PortUnavailable']);
  assert.match(programmed?.message ?? '', /web \(:: port 8000\): .* in use/);
  assert.equal(condition('TcpVirtualServer', 'http', 'Ready')?.status, 'False');
  const before = controller.snapshot;
  serving.error = 'more than 65536 endpoints';
  await writeFile(join(config, 'matrix.yaml'), matrix(9));
  await controller.reload();
  assert.equal(condition('AppWeightMatrix', 'm', 'Programmed')?.reason, 'CapacityExceeded');
  assert.equal(controller.snapshot, before);
  assert.equal(controller.config().lastApplySuccess, false);
});

function cell(server: string, asked: number, requests: number): CellCounts {
  const counts = { requests, epochRequests: requests, retries: 0, sticky: 0, failures: 0 };
  return { server, app: 'a', weight: 1, available: true, asked, askedAvailable: asked, delivered: null, ...counts };
}

test('OnTarget: unknown without requests, true within one request, false when two looks find it off', async () => {
  const { controller, serving, condition } = await open(await directory(FILES));
  await controller.start();
  const count = (web1: number, web2: number) => {
    const cells = [cell('default/web1', 0.75, web1), cell('default/web2', 0.25, web2)];
    serving.document = { rows: [{ id: 'matrix default/m a', epoch: 1, cells }], endpoints: [] };
    return condition('AppWeightMatrix', 'm', 'OnTarget');
  };
  assert.equal(count(0, 0)?.reason, 'NoRequests');
  assert.equal(count(76, 24)?.status, 'True');
  assert.equal(count(78, 22)?.status, 'True');
  const off = count(780, 220);
  assert.deepEqual([off?.status, off?.reason], ['False', 'SharesDeviate']);
  assert.match(off?.message ?? '', /a at default\/web1: asked 0\.750, delivered 0\.780/);
  assert.equal(count(0, 0)?.status, 'False');
  const back = count(75, 25);
  assert.equal(back?.status, 'True');
  assert.equal(count(300, 100)?.lastTransitionTime, back?.lastTransitionTime);
  assert.equal(condition('AppWeightMatrix', 'm', 'Ready')?.status, 'True');
});

test('Healthy follows the endpoints; quiesced is no illness', async () => {
  const { controller, serving, condition } = await open(await directory(FILES));
  await controller.start();
  const set = (down: readonly string[]) => {
    const endpoint = {
      server: 'default/web1',
      address: '127.0.0.10',
      port: 80,
      active: 0,
      available: down.length === 0,
      down,
    };
    serving.document = { rows: [], endpoints: [endpoint] };
    return condition('RealServer', 'web1', 'Healthy');
  };
  assert.equal(set([])?.status, 'True');
  assert.equal(set(['quiesced'])?.status, 'True');
  assert.deepEqual([set(['check'])?.status, set(['check'])?.reason], ['False', 'NoEndpointAvailable']);
  assert.equal(condition('RealServer', 'web1', 'Ready')?.status, 'False');
  assert.equal(condition('RealServer', 'web2', 'Healthy')?.reason, 'NotUsed');
});

test('the key of a Secret stands in nothing that is shown, logged or kept', async () => {
  const canary = 'Y2FuYXJ5LWtleQ';
  const pem = (label: string) => `      -----BEGIN ${label}-----\n      ${canary}\n      -----END ${label}-----\n`;
  const data = `  tls.crt: |\n${pem('CERTIFICATE')}  tls.key: |\n${pem('PRIVATE KEY')}`;
  const secret = `apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata: {name: tls}\nstringData:\n${data}`;
  const state = await directory({});
  const config = await directory({
    ...FILES,
    'secret.yaml': secret,
    'faulty.yaml': secret.replace('tls.key', 'tls.kex'),
  });
  const { controller, source, lines } = await open(config, state);
  await controller.start();
  assert.equal(source.state.secrets.size, 1, JSON.stringify(source.state.faults));
  assert.equal(source.state.faults.length, 1);
  controller.close();
  await source.close();
  const kept = await readFile(join(state, 'state.json'), 'utf8');
  const shown = [controller.status(), controller.objects(), controller.snapshot, controller.config(), lines, kept];
  for (const document of shown) assert.ok(!JSON.stringify(document).includes(canary));
});
