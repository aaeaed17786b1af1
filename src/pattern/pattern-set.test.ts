import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { randomInput, randomOf, randomSample } from '../../test/fuzz/pattern-naive.ts';
import { Candidates } from './candidates.ts';
import { NO_INDEX } from './index-lists.ts';
import { LiteralSearch } from './literal-search.ts';
import { PatternSet, type SetEntry } from './pattern-set.ts';
import { compilePattern } from './pattern.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** All that match, by asking one after the other; cut behind the first decisive one. */
function expected(entries: readonly SetEntry[], input: Uint8Array): number[] {
  const found: number[] = [];
  for (const { index, match, decisive } of entries.toSorted((a, b) => a.index - b.index)) {
    if (!('shape' in match) || !compilePattern(match.source, match.syntax).test(input, 0, input.length)) continue;
    found.push(index);
    if (decisive) break;
  }
  return found;
}

/** The same from the set: the candidates below the lowest decisive index, and that. */
function given(set: PatternSet, size: number, input: Uint8Array): number[] {
  const candidates = new Candidates(size);
  candidates.clear();
  const best = set.search(input, 0, input.length, NO_INDEX, candidates);
  candidates.sort();
  const found = [...candidates.indices.subarray(0, candidates.count)].filter((index) => index < best);
  return best === NO_INDEX ? found : [...found, best];
}

describe('a set', () => {
  it('finds what its patterns find, decisive or not', () => {
    const random = randomOf(5);
    for (let round = 0; round < 150; round++) {
      const size = 1 + Math.floor(random() * 30);
      const entries = Array.from({ length: size }, (_, at): SetEntry => {
        const { source } = randomSample(random, 2);
        return { index: size - 1 - at, match: compilePattern(source, 'ere'), decisive: random() < 0.5 };
      });
      const set = new PatternSet(entries);
      for (let each = 0; each < 10; each++) {
        const input = randomInput(random, 10);
        const sources = entries.map(({ match }) => ('shape' in match ? match.source : '')).join('   ');
        assert.deepEqual(given(set, size, input), expected(entries, input), `${sources} on ${input.join()}`);
      }
    }
  });

  it('runs patterns behind one literal together, and only if it was seen', () => {
    const sources = Array.from({ length: 300 }, (_, at) => `^/items/[a-z]+/${at % 7}(x|${at})+$`);
    const entries = sources.map((source, index): SetEntry => {
      return { index, match: compilePattern(source, 'ere'), decisive: index % 3 !== 0 };
    });
    const set = new PatternSet(entries);
    for (const path of ['/items/abc/5x', '/items/abc/4x17', '/items/q/3299299', '/items/abc', '/other/abc/5x', '']) {
      const input = bytesOf(path);
      assert.deepEqual(given(set, entries.length, input), expected(entries, input), path);
    }
    assert.equal(set.first(bytesOf('/other'), 0, 6), -1);
  });

  it('looks once at what stands there a thousand times', () => {
    const entries = Array.from({ length: 200 }, (_, index): SetEntry => {
      return { index, match: compilePattern(index % 2 === 0 ? '/a/' : '/a/+b', 'ere'), decisive: false };
    });
    const set = new PatternSet(entries);
    const input = bytesOf('/a/'.repeat(4000));
    assert.equal(given(set, entries.length, input).length, 100);
  });

  it('keeps the states of all its patterns within one budget', () => {
    const entries = Array.from({ length: 40 }, (_, index): SetEntry => {
      return { index, match: compilePattern(`lit${index}(a|b)*a[ab]{14}c`, 'ere'), decisive: true };
    });
    const set = new PatternSet(entries);
    const random = randomOf(2);
    for (let index = 0; index < 40; index++) {
      const tail = Array.from({ length: 3000 }, () => (random() < 0.5 ? 'a' : 'b')).join('');
      const input = bytesOf(`/lit${index}${tail}`);
      assert.equal(set.first(input, 0, input.length), -1);
      assert.ok(set.budget.used <= set.budget.limit, `${set.budget.used}`);
    }
  });
});

describe('literals', () => {
  for (const [name, count, length] of [
    ['by table', 40, 4],
    ['by links', 3000, 60],
  ] as const) {
    // prettier-ignore
    it(name, () => {
      const random = randomOf(count);
      const letters = count === 40 ? 'ab' : 'abcdefghijklmnopqrstuvwxyz0123456789';
      const text = (most: number): string => {
        return Array.from({ length: 1 + random() * most }, () => letters[Math.floor(random() * letters.length)]).join('');
      };
      const entries = Array.from({ length: count }, (_, index) => {
        return { literal: bytesOf(text(length)), index, decisive: random() < 0.5 };
      });
      const search = new LiteralSearch(entries);
      const candidates = new Candidates(count);
      for (let round = 0; round < 300; round++) {
        const { literal } = entries[Math.floor(random() * count)]!;
        const input = bytesOf(text(20) + new TextDecoder().decode(literal) + text(20));
        candidates.clear();
        const best = search.search(input, 0, input.length, NO_INDEX, candidates);
        candidates.sort();
        const has = (each: { literal: Uint8Array }): boolean => Buffer.from(input).includes(each.literal);
        const decisive = entries.findIndex((each) => each.decisive && has(each));
        assert.equal(best, decisive < 0 ? NO_INDEX : decisive);
        const others = entries.filter((each) => !each.decisive && each.index < best && has(each));
        const found = [...candidates.indices.subarray(0, candidates.count)].filter((index) => index < best);
        assert.deepEqual(found, others.map((each) => each.index)); // prettier-ignore
      }
    });
  }
});
