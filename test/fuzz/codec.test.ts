import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fuzzCodec } from './codec.ts';
import { fuzzSockets } from './sockets.ts';

/** New inputs in every run; a failure prints the seed that brings them back. */
const seed = Date.now() % 1_000_000;

function described(failures: readonly { kind: string; input: string; what: string }[]): string {
  return failures
    .map(({ kind, input, what }) => `${kind} (seed ${seed}): ${JSON.stringify(input)}: ${what}`)
    .join('\n');
}

test('20,000 inputs: the codec says what the oracle says, forwards nothing outside the grammar, throws nothing', () => {
  const { inputs, failures } = fuzzCodec(20_000, seed);
  assert.equal(failures.length, 0, described(failures));
  assert.equal(inputs, 20_000);
});

test('inputs of a fixed seed', () => {
  const { failures } = fuzzCodec(5000, 1);
  assert.equal(failures.length, 0, described(failures));
});

test('300 connections through real sockets, hostile on both sides', { timeout: 60_000 }, async () => {
  const { failures } = await fuzzSockets(300, seed);
  assert.equal(failures.length, 0, described(failures));
});
