import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { Graph } from './graph.ts';

interface Values {
  number: number;
  half: number;
  sum: number;
  shown: string;
}

/** `sum` of keys `a+b` reads halves; `shown` needs a sum, and reads it where its key says so. */
const graphOf = (made: string[]) =>
  new Graph<Values>({
    number: null,
    half: {
      make: (key, read) => {
        made.push(`half ${key}`);
        const number = read.value('number', key);
        return number === undefined ? undefined : number >> 1;
      },
    },
    sum: {
      make: (key, read) => {
        made.push(`sum ${key}`);
        return key.split('+').reduce((sum, part) => sum + (read.value('half', part) ?? 0), 0);
      },
      same: (a, b) => a === b,
    },
    shown: {
      make: (key, read) => {
        made.push(`shown ${key}`);
        if (key.startsWith('?')) {
          read.need('sum', key.slice(1));
          return 'needed';
        }
        return String(read.value('sum', key));
      },
    },
  });

const changesOf = (graph: Graph<Values>) => graph.settle().map(({ kind, key, value }) => [kind, key, value]);

void test('what is wanted is made, with what it reads, and only what changes is made anew', () => {
  const made: string[] = [];
  const graph = graphOf(made);
  graph.set('number', 'a', 4);
  graph.want('shown', 'a+b', true);
  assert.deepEqual(changesOf(graph), [
    ['number', 'a', 4],
    ['half', 'a', 2],
    ['sum', 'a+b', 2],
    ['shown', 'a+b', '2'],
  ]);
  made.length = 0;
  graph.set('number', 'b', 3);
  graph.settle();
  assert.deepEqual(made, ['half b', 'sum a+b', 'shown a+b']);
  made.length = 0;
  // The half stays, so nothing that reads it is looked at.
  graph.set('number', 'b', 2);
  graph.settle();
  assert.deepEqual(made, ['half b']);
});

void test('what nobody wants or reads any more is forgotten, and told', () => {
  const graph = graphOf([]);
  graph.set('number', 'a', 4);
  graph.want('shown', 'a', true);
  graph.want('shown', '?a', true);
  graph.settle();
  graph.want('shown', 'a', false);
  assert.deepEqual(changesOf(graph), [['shown', 'a', undefined]]);
  assert.equal(graph.value('sum', 'a'), 2);
  graph.want('shown', '?a', false);
  assert.deepEqual(changesOf(graph), [
    ['shown', '?a', undefined],
    ['sum', 'a', undefined],
    ['half', 'a', undefined],
  ]);
});

void test('what is only needed is kept up to date, without anew making who needs it', () => {
  const made: string[] = [];
  const graph = graphOf(made);
  graph.set('number', 'a', 4);
  graph.want('shown', '?a', true);
  graph.settle();
  made.length = 0;
  graph.set('number', 'a', 8);
  graph.settle();
  assert.equal(graph.value('sum', 'a'), 4);
  assert.deepEqual(made, ['half a', 'sum a']);
});

void test('a kind must not read one that comes after it', () => {
  const graph = new Graph<{ one: number; two: number }>({
    one: { make: (key, read) => read.value('two', key) },
    two: null,
  });
  graph.want('one', 'a', true);
  assert.throws(() => graph.settle(), /one must not read two/);
});

void test('step by step it comes to the same as at once', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const wanted = fc.constantFrom('a', 'a+b', 'b+c', '?a+b', '?c', 'a+b+c');
  const step = fc.oneof(
    fc.record({ key, number: fc.option(fc.nat(5), { nil: undefined }) }),
    fc.record({ wanted, is: fc.boolean() }),
    fc.constant(null),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const graph = graphOf([]);
      const fresh = graphOf([]);
      const told = new Map<string, unknown>();
      const settle = (): void => {
        for (const { kind, key: name, value } of graph.settle()) {
          if (value === undefined) told.delete(`${kind} ${name}`);
          else told.set(`${kind} ${name}`, value);
        }
      };
      const numbers = new Map<string, number | undefined>();
      const wants = new Map<string, boolean>();
      for (const each of steps) {
        if (each === null) settle();
        else if ('key' in each) {
          graph.set('number', each.key, each.number);
          numbers.set(each.key, each.number);
        } else {
          graph.want('shown', each.wanted, each.is);
          wants.set(each.wanted, each.is);
        }
      }
      settle();
      for (const [name, number] of numbers) fresh.set('number', name, number);
      for (const [name, is] of wants) fresh.want('shown', name, is);
      const expected = fresh
        .settle()
        .flatMap(({ kind, key: name, value }) => (value === undefined ? [] : [[`${kind} ${name}`, value] as const]));
      assert.deepEqual(told, new Map(expected));
    }),
    { numRuns: 500 },
  );
});
