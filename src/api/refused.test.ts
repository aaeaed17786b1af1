/** Each rule by objects that it refuses; the same objects are for a real API server to refuse. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toSchema } from './crd.ts';
import { largestFaulty, largestObjects } from './fixture/largest-objects.ts';
import { matrixOf, type RefusedCase, refusedCases } from './fixture/refused-cases.ts';
import { kindInfos } from './kinds.ts';
import { type AnyObject, parseObject } from './parse.ts';
import type { Structural } from './structural.ts';
import { checkTransition } from './transitions.ts';

const cases = refusedCases();

const parsed = (raw: unknown): AnyObject => {
  const result = parseObject(raw);
  assert.ok(result.ok, result.ok ? '' : result.faults.map((fault) => fault.message).join('\n'));
  return result.object;
};

const refusals = ({ object, old }: RefusedCase): string[] => {
  if (old !== null) return checkTransition(parsed(object), parsed(old)).map((fault) => fault.message);
  const result = parseObject(object);
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
  parsed(matrixOf(2048));
});

void test('the largest objects are right', () => {
  for (const object of largestObjects()) parsed(object);
});

void test('one fault in one of them is found', () => {
  for (const { object, message } of largestFaulty()) {
    const result = parseObject(object);
    assert.equal(result.ok, false, message);
    const messages = result.ok ? [] : result.faults.map((fault) => fault.message);
    assert.ok(
      messages.every((each) => each.includes(message)),
      messages.join('\n'),
    );
  }
});
