import assert from 'node:assert/strict';
import { it } from 'node:test';

import fc from 'fast-check';

import { HostTable } from './host-table.ts';

const find = (table: HostTable<string>, host: string): string | undefined => {
  const bytes = new TextEncoder().encode(`Host: ${host}:80`);
  return table.find(bytes, 6, bytes.length - 3);
};

const naive = (hosts: readonly string[], asked: string): string | undefined => {
  const fits = hosts.filter(
    (each) => each === '*' || each === asked || (each[0] === '*' && asked.endsWith(each.slice(1))),
  );
  // An exact host is never shorter than a wildcard's suffix that fits, and `*` is the shortest of all.
  return fits.toSorted((one, other) => other.replace('*', '').length - one.replace('*', '').length)[0];
};

it('finds exact hosts, then the longest wildcard, then any', () => {
  const hosts = ['shop.example', '*.shop.example', '*.eu.shop.example', 'a.eu.shop.example', '*', 'localhost', '*.x'];
  const table = new HostTable(hosts.map((host) => ({ host, value: host })));
  const cases: readonly [host: string, expected: string][] = [
    ['shop.example', 'shop.example'],
    ['SHOP.Example', 'shop.example'],
    ['www.shop.example', '*.shop.example'],
    ['a.b.shop.example', '*.shop.example'],
    ['b.eu.shop.example', '*.eu.shop.example'],
    ['a.eu.shop.example', 'a.eu.shop.example'],
    ['eu.shop.example', '*.shop.example'],
    ['xshop.example', '*'],
    ['.shop.example', '*'],
    ['localhost', 'localhost'],
    ['a.very.long.name.that.is.longer.than.all.others.X', '*.x'],
    ['x', '*'],
    ['', '*'],
    ['[::1]', '*'],
  ];
  for (const [host, expected] of cases) assert.equal(find(table, host), expected, host);
});

it('finds nothing where nothing fits', () => {
  const table = new HostTable([{ host: '*.shop.example', value: 'wild' }]);
  for (const host of ['shop.example', 'shop.example.org', 'example', '', 'ashop.example']) {
    assert.equal(find(table, host), undefined, host);
  }
  assert.equal(find(new HostTable<string>([]), 'a'), undefined);
});

it('gives what a look at each host would give', () => {
  const label = fc.constantFrom('a', 'b', 'cc', 'shop');
  const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
  const host = fc.oneof(name, name.map((suffix) => `*.${suffix}`), fc.constant('*')); // prettier-ignore
  fc.assert(
    fc.property(fc.uniqueArray(host, { maxLength: 8 }), name, (hosts, asked) => {
      const table = new HostTable(hosts.map((each) => ({ host: each, value: each })));
      assert.equal(find(table, asked.toUpperCase()), naive(hosts, asked));
    }),
    { numRuns: 500 },
  );
});
