/** Each rule by objects that it refuses; the same objects are for a real API server to refuse. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { load } from 'js-yaml';

import { toSchema } from './crd.ts';
import { API_VERSION } from './group.ts';
import { kindInfos } from './kinds.ts';
import { type AnyObject, parseObject } from './parse.ts';
import type { Structural } from './structural.ts';
import { checkTransition } from './transitions.ts';

interface Refused {
  readonly message: string;
  readonly object?: object;
  readonly old?: object;
  /** Short for a virtual server with these rules. */
  readonly rules?: readonly unknown[];
  /** Short for a matrix of that many cells. */
  readonly cells?: number;
}

const cases = load(readFileSync(`${import.meta.dirname}/refused.yaml`, 'utf8')) as Refused[];

const objectOf = (refused: Refused): unknown => {
  if (refused.rules !== undefined) {
    const spec = { listeners: [{ name: 'l', port: 80 }], rules: refused.rules };
    return { apiVersion: API_VERSION, kind: 'TcpVirtualServer', metadata: { name: 'a' }, spec };
  }
  if (refused.cells !== undefined) {
    return {
      apiVersion: API_VERSION,
      kind: 'AppWeightMatrix',
      metadata: { name: 'a' },
      spec: { rows: rowsOf(refused.cells) },
    };
  }
  return { apiVersion: API_VERSION, ...refused.object };
};

const rowsOf = (cells: number) =>
  Array.from({ length: Math.ceil(cells / 100) }, (_, row) => ({
    server: `s${row}`,
    weights: Array.from({ length: Math.min(100, cells - row * 100) }, (__, app) => ({ app: `a${app}`, weight: 1 })),
  }));

const parsed = (raw: unknown): AnyObject => {
  const result = parseObject(raw);
  assert.ok(result.ok, result.ok ? '' : result.faults.map((fault) => fault.message).join('\n'));
  return result.object;
};

const refusals = (refused: Refused): string[] => {
  if (refused.old !== undefined) {
    const before = parsed({ apiVersion: API_VERSION, ...refused.old });
    return checkTransition(parsed(objectOf(refused)), before).map((fault) => fault.message);
  }
  const result = parseObject(objectOf(refused));
  return result.ok ? [] : result.faults.map((fault) => fault.message);
};

for (const [index, refused] of cases.entries()) {
  void test(`refused ${index}: ${refused.message}`, () => {
    const messages = refusals(refused);
    assert.ok(
      messages.some((message) => message.includes(refused.message)),
      `expected a refusal, got ${JSON.stringify(messages)}`,
    );
  });
}

const rulesOf = (node: Structural): string[] => [
  ...(node['x-kubernetes-validations'] ?? []).map((rule) => rule.message),
  ...[...Object.values(node.properties ?? {}), node.items, node.additionalProperties].flatMap((child) =>
    child === undefined ? [] : rulesOf(child),
  ),
];

void test('every rule of the CRDs has an object that it refuses', () => {
  const messages = Object.values(kindInfos).flatMap((info) => rulesOf(toSchema(info)));
  assert.ok(messages.length > 30);
  // The name's length is the pattern of metadata.name to the parser.
  const untested = messages.filter(
    (message) => !message.startsWith('a metadata.name') && !cases.some((each) => message.startsWith(each.message)),
  );
  assert.deepEqual(untested, []);
});

void test('a matrix of 2,048 cells is right', () => {
  parsed(objectOf({ message: '', cells: 2048 }));
});
