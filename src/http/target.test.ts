import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { PATH } from './characters.ts';
import { normalisePath, normalisedPath } from './target.ts';

/** The normalised path, or null where it is refused. */
function normalise(path: string): string | null {
  const bytes = Buffer.from(`${path}\0`, 'latin1');
  const length = normalisePath(bytes, 0, path.length);
  return length < 0 ? null : Buffer.from(normalisedPath.subarray(0, length)).toString('latin1');
}

const table: [string, string | null][] = [
  ['/', '/'],
  ['/.', '/'],
  ['/./', '/'],
  ['/a/..', '/'],
  ['/a/../b', '/b'],
  ['/a/./b/', '/a/b/'],
  ['/a/b/..', '/a/'],
  ['//', '//'],
  ['//..', '/'],
  ['/a//../b', '/a/b'],
  ['/...', '/...'],
  ['/.a/..b', '/.a/..b'],
  ['/%2e%2E/', null],
  ['/a/%2e%2e/b', '/b'],
  ['/..', null],
  ['/a/../..', null],
  ['/..;/', null],
  ['/.;x', null],
  ['/%2e%2e;x/', null],
  ['/a;x=y', '/a;x=y'],
  ['/%7euser%41', '/~userA'],
  ['/%2f%3a', '/%2F%3A'],
  ['/%252e%252e/', '/%252e%252e/'],
  ['/%', null],
  ['/%4', null],
  ['/%zz', null],
  ['/%00', null],
  ['/%0d%0a', null],
  ['/%7f', null],
  ['/%5c', null],
  ['/%c0%af', null],
  ['/%e0%80%af', null],
  ['/%f0%80%80%af', null],
  ['/%e2%82%ac', '/%E2%82%AC'],
];

describe('normalisePath', () => {
  for (const [path, expected] of table)
    it(`${path} → ${expected ?? 'refused'}`, () => assert.equal(normalise(path), expected));

  const piece = fc.oneof(
    fc.constantFrom('/', '.', '..', '%2e', '%2E', '%2f', '%25', '%41', ';', '%', '%c3%a9', '%00', '/./', '/../'),
    fc.string({ unit: fc.constantFrom('a', '/', '.', ';', '~', '%2', 'e'), maxLength: 4 }),
  );
  const paths = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`);

  it('is idempotent, stays below the root, and grows no longer', () => {
    fc.assert(
      fc.property(paths, (path) => {
        const once = normalise(path);
        if (once === null) return;
        assert.equal(normalise(once), once);
        assert.ok(once.startsWith('/') && once.length <= path.length);
        assert.ok(once.split('/').every((segment) => segment !== '.' && segment !== '..'));
        for (const escape of once.match(/%../g) ?? []) assert.match(escape, /%[0-9A-F]{2}/);
        for (const c of once) assert.ok(PATH[c.charCodeAt(0)] === 1 || c === '.' || c === '%', c);
      }),
      { numRuns: 3000 },
    );
  });

  it('resolves dot segments as the URL standard does, where there is no escape', () => {
    const plain = fc.string({ unit: fc.constantFrom('a', '.', '/'), maxLength: 16 }).map((rest) => `/${rest}`);
    fc.assert(
      fc.property(plain, (path) => {
        const mine = normalise(path);
        if (mine !== null) assert.equal(mine, new URL(`http://h${path}`).pathname);
      }),
      { numRuns: 3000 },
    );
  });
});
