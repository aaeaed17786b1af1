/** For tests: the demo of ktcpvs-matrix as objects, and what a command makes of objects. */
import assert from 'node:assert/strict';

import type { ApiObject } from '../admin/contract.ts';
import { parseObject } from '../api/parse.ts';
import { applyCommand } from './commands.ts';
import type { Command, CommandResult } from './commands.ts';
import { parseConfiguration } from './parse.ts';
import { BUILT_IN_SERVICES } from './services.ts';
import type { Table } from './table.ts';

const object = (kind: string, name: string, spec: unknown): ApiObject => ({
  apiVersion: 'tcpvs.io/v1alpha1',
  kind,
  metadata: { name, namespace: 'default' },
  spec,
});

/** Percent, as the recorded demo has them. */
export const DEMO_WEIGHTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  appa: { web1: 100 },
  appb: { web1: 100 },
  tpcw: { web2: 100 },
  appc: { web2: 87, web3: 13 },
  appd: { web3: 60, web4: 40 },
  appe: { web4: 31, web5: 69 },
};

export function demoObjects(): ApiObject[] {
  const servers = ['web1', 'web2', 'web3', 'web4', 'web5'];
  const apps = Object.keys(DEMO_WEIGHTS);
  return [
    object('TcpVirtualServer', 'http', {
      listeners: [{ name: 'web', address: '127.0.0.1', port: 8000, protocol: 'HTTP' }],
      scheduler: 'hhttp',
      balance: 'RoundRobin',
      startServers: 8,
      matrixRefs: [{ name: 'eapac' }],
      rules: apps.map((app) => ({ name: app, match: { path: { type: 'Pattern', value: `/${app}/.*` } }, app })),
    }),
    ...servers.map((name, index) => object('RealServer', name, { address: `10.0.0.1${index + 1}`, port: 8080 })),
    object('AppWeightMatrix', 'eapac', {
      mode: 'Static',
      apps: apps.map((name) => ({ name })),
      rows: servers.map((server) => ({
        server,
        weights: apps.flatMap((app) => {
          const weight = DEMO_WEIGHTS[app]?.[server];
          return weight === undefined ? [] : [{ app, weight }];
        }),
      })),
    }),
  ];
}

/** What the objects are after the command; every one of them must be valid. Throws where it is refused. */
export function after(objects: readonly ApiObject[], ...commands: Command[]): ApiObject[] {
  return commands.reduce(
    (now: ApiObject[], command) => {
      const result = applyCommand(now, command);
      assert.deepEqual(result.errors, []);
      for (const each of result.apply) assert.equal(faultsOf(each), '');
      return applied(now, result);
    },
    [...objects],
  );
}

export function applied(objects: readonly ApiObject[], result: CommandResult): ApiObject[] {
  const changed = new Map(result.apply.map((each) => [keyOf(each.kind, each.metadata), each]));
  const gone = new Set(result.delete.map((each) => keyOf(each.kind, each)));
  const kept = objects.filter(({ kind, metadata }) => !gone.has(keyOf(kind, metadata)));
  const replaced = kept.map((each) => changed.get(keyOf(each.kind, each.metadata)) ?? each);
  const known = new Set(objects.map(({ kind, metadata }) => keyOf(kind, metadata)));
  return [...replaced, ...result.apply.filter(({ kind, metadata }) => !known.has(keyOf(kind, metadata)))];
}

/** One line where the command is refused, which it must be, with nothing to apply. */
export function refusal(objects: readonly ApiObject[], command: Command): string {
  const result = applyCommand(objects, command);
  assert.deepEqual([result.apply, result.delete], [[], []]);
  assert.notDeepEqual(result.errors, []);
  return result.errors.join('\n');
}

export function parsed(text: string): Table {
  const result = parseConfiguration(text, BUILT_IN_SERVICES);
  if (!result.ok) assert.fail(JSON.stringify(result.faults));
  return result.table;
}

/** The spec of one object, for looking into. */
export function specOf(objects: readonly ApiObject[], kind: string, name: string): Record<string, unknown> {
  const found = objects.find((each) => each.kind === kind && each.metadata.name === name);
  assert.ok(found, `no ${kind} ${name}`);
  return found.spec as Record<string, unknown>;
}

function keyOf(kind: string, { namespace, name }: { namespace: string; name: string }): string {
  return `${kind} ${namespace}/${name}`;
}

function faultsOf(each: ApiObject): string {
  const result = parseObject(each);
  return result.ok ? '' : result.faults.map(({ message }) => message).join('\n');
}
