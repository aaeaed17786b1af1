import assert from 'node:assert/strict';
import { it } from 'node:test';

import { randomInput, randomOf, randomSample } from '../../test/fuzz/pattern-naive.ts';
import { buildAutomaton } from './automaton.ts';
import { StateBudget } from './budget.ts';
import { LazyDfa } from './lazy-dfa.ts';
import { compilePattern } from './pattern.ts';

it('gives the same verdict however little memory there is', () => {
  const random = randomOf(7);
  for (let round = 0; round < 150; round++) {
    const { node } = compilePattern(randomSample(random).source, 'ere');
    const automaton = buildAutomaton([node]);
    const ample = new LazyDfa(automaton, new StateBudget(1 << 20), [true]);
    const scarce = new LazyDfa(automaton, new StateBudget(1), [true]);
    for (let each = 0; each < 10; each++) {
      const input = randomInput(random, 60);
      assert.equal(scarce.run(input, 0, input.length), ample.run(input, 0, input.length));
    }
  }
});

it('stays within the budget, and shares it', () => {
  const budget = new StateBudget(64 * 1024);
  // Which of the last 16 bytes were an a: 2^16 states, if they were all built.
  const wide = new LazyDfa(buildAutomaton([compilePattern('a[ab]{15}c', 'ere').node]), budget, [true]);
  const other = new LazyDfa(buildAutomaton([compilePattern('b[ab]{15}c', 'ere').node]), budget, [true]);
  const random = randomOf(3);
  for (let round = 0; round < 20; round++) {
    const input = Uint8Array.from({ length: 4000 }, () => (random() < 0.5 ? 97 : 98));
    assert.equal(wide.run(input, 0, input.length), -1);
    assert.equal(other.run(input, 0, input.length), -1);
    assert.ok(budget.used <= budget.limit, `${budget.used}`);
  }
  assert.ok(budget.used > 0);
});

it('numbers the patterns that match, up to the first decisive one', () => {
  const nodes = ['^/a', 'b+c', '/.*c$', 'x'].map((source) => compilePattern(source, 'ere').node);
  const automaton = buildAutomaton(nodes);
  const out = new Int32Array(nodes.length);
  const matchedBy = (text: string, decisive: readonly boolean[]): number[] => {
    const dfa = new LazyDfa(automaton, new StateBudget(1 << 16), decisive);
    const input = new TextEncoder().encode(text);
    // Twice: the second time over known states.
    dfa.run(input, 0, input.length);
    const lowest = dfa.run(input, 0, input.length);
    if (lowest < 0 || decisive[lowest] === true) return [lowest];
    const all = [...out.subarray(0, dfa.matched(out))];
    assert.equal(lowest, all[0] ?? -1);
    return all;
  };
  assert.deepEqual(matchedBy('/abbc', [false, false, false, false]), [0, 1, 2]);
  assert.deepEqual(matchedBy('/abbc', [false, true, false, false]), [0, 1]);
  assert.deepEqual(matchedBy('/xc', [false, false, true, false]), [2]);
  assert.deepEqual(matchedBy('/c/x', [false, false, true, false]), [3]);
  assert.deepEqual(matchedBy('', [true, true, true, true]), [-1]);
});
