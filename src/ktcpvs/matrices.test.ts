import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { CountsDocument } from '../model/counts.ts';
import { Draft } from './draft.ts';
import { figuresOf } from './figures.ts';
import { jsonOf } from './json.ts';
import { printMatrices } from './matrices.ts';
import { printVirtual } from './print.ts';
import { BUILT_IN_SERVICES } from './services.ts';
import { tableOf } from './table-of.ts';
import type { Virtual } from './table.ts';
import { DEMO_WEIGHTS, demoObjects, parsed } from './test-objects.ts';

/** Mid run of the recorded demo. */
const RECORDED: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  appc: { web2: 2202, web3: 329 },
  appe: { web4: 784, web5: 1744 },
};

function counts(more = 0): CountsDocument {
  return {
    rows: Object.entries(DEMO_WEIGHTS).map(([app, weights]) => {
      const recorded = RECORDED[app] ?? {};
      const sum = Object.values(recorded).reduce((total, each) => total + each, 0);
      return {
        id: `matrix default/eapac ${app}`,
        epoch: 1,
        cells: Object.entries(weights).map(([server, weight]) => ({
          server: `default/${server}`,
          app,
          weight,
          available: server !== 'web3',
          asked: weight / 100,
          // As if web3's own share were all of it, to tell the two apart.
          askedAvailable: server === 'web3' && app === 'appc' ? 1 : weight / 100,
          delivered: sum === 0 ? null : (recorded[server] ?? 0) / sum,
          epochRequests: recorded[server] ?? 0,
          requests: (recorded[server] ?? 0) + (sum > 0 ? more : 0),
          retries: 0,
          sticky: 0,
          failures: 0,
        })),
      };
    }),
    endpoints: [
      { server: 'default/web2', address: '10.0.0.12', port: 8080, active: 3, available: true, down: [] },
      { server: 'default/web2', address: '10.0.0.12', port: 8081, active: 4, available: true, down: [] },
    ],
  };
}

const only = (figures = figuresOf(counts())): Virtual => {
  const [virtual] = tableOf(new Draft(demoObjects()), null, figures).virtuals;
  assert.ok(virtual);
  return virtual;
};
const numeric = { services: BUILT_IN_SERVICES, numeric: true };
const named = { services: BUILT_IN_SERVICES, numeric: false, width: 120 };

test('live counts stand where the reader skips them', () => {
  const text = printVirtual(only(), numeric);
  assert.match(text, /^ {4}rule = pattern "\/appe\/\.\*" match 0 weight 69 conns 1744 use server 10\.0\.0\.15:8080$/m);
  assert.match(text, /^ {4}server = 10\.0\.0\.12:8080 0 rules-only {4}# active 7$/m);
  parsed(text);
});

test('three matrices: weights, connections, shares', () => {
  assert.equal(
    printMatrices(only(), named),
    `# weights of virtual server http
#           web1:http-alt  web2:http-alt  web3:http-alt  web4:http-alt  web5:http-alt
# /appa/.*            100
# /appb/.*            100
# /tpcw/.*                           100
# /appc/.*                            87             13
# /appd/.*                                           60             40
# /appe/.*                                                          31             69
#
# connections of virtual server http
#           web1:http-alt  web2:http-alt  web3:http-alt  web4:http-alt  web5:http-alt
# /appa/.*              0
# /appb/.*              0
# /tpcw/.*                             0
# /appc/.*                          2202            329
# /appd/.*                                            0              0
# /appe/.*                                                         784           1744
#
# shares of virtual server http: asked > delivered, %
#           web1:http-alt  web2:http-alt            web3:http-alt  web4:http-alt  web5:http-alt
# /appa/.*      100.0 > -
# /appb/.*      100.0 > -
# /tpcw/.*                     100.0 > -
# /appc/.*                   87.0 > 87.0  13.0 (100.0) > 13.0 out
# /appd/.*                                           60.0 > - out       40.0 > -
# /appe/.*                                                           31.0 > 31.0    69.0 > 69.0
`,
  );
});

test('a wide matrix is cut into groups of servers, and all of it stays comments', () => {
  const text = printMatrices(only(), { ...named, width: 60 });
  assert.ok(text.split('\n').every((line) => line === '' || (line.startsWith('#') && line.length <= 60)));
  assert.equal(text.match(/web5:http-alt/g)?.length, 3);
});

test('without counts only the weights; with two readings also rates', () => {
  const [still] = tableOf(new Draft(demoObjects())).virtuals;
  assert.ok(still);
  assert.doesNotMatch(printMatrices(still, named), /connections|shares/);
  const rates = only(figuresOf(counts(50), { counts: counts(), seconds: 2 }));
  assert.match(
    printMatrices(rates, named),
    /# requests per second of virtual server http\n(#.*\n)+# \/appc\/\.\* +25 +25\n/,
  );
});

test('caps, where there are any: in flight and the most that may be', () => {
  const counted = counts();
  const capped = {
    ...counted,
    rows: counted.rows.map((row) => ({
      ...row,
      cells: row.cells.map((cell) => (cell.server === 'default/web5' ? { ...cell, cap: 12, inFlight: 3 } : cell)),
    })),
  };
  const virtual = only(figuresOf(capped));
  assert.match(
    printMatrices(virtual, named),
    /# caps of virtual server http: requests in flight \/ most\n(#.*\n)+# \/appe\/\.\* +3 \/ 12\n/,
  );
  assert.match(JSON.stringify(jsonOf({ virtuals: [virtual] }, '1')), /"cap":12,"inFlight":3/);
  assert.doesNotMatch(printMatrices(only(), named), /caps/);
});

test('what no rule takes is a row where it happens, or where there are no rules', () => {
  const text = 'virtual a { server = r1:80 3 server = r2:80 }';
  const [virtual] = parsed(text).virtuals;
  assert.ok(virtual);
  assert.match(printMatrices(virtual, named), /# \(no rule\) +3 +1\n/);

  const [ruled] = parsed('virtual a { server = r1:80 3 rule = pattern /a use server r1:80 }').virtuals;
  assert.ok(ruled);
  assert.doesNotMatch(printMatrices(ruled, named), /no rule/);
  const live = { requests: 1, asked: 1, askedAvailable: 1, delivered: 1, available: true };
  const servers = ruled.servers.map((server) => ({ ...server, live }));
  assert.match(printMatrices({ ...ruled, servers }, named), /# \(no rule\) +3\n/);
});

test('as JSON', () => {
  const { virtuals } = jsonOf({ virtuals: [only()] }, '1') as { virtuals: Record<string, unknown>[] };
  const [virtual] = virtuals;
  assert.deepEqual((virtual as { rules: unknown[] }).rules[3], {
    pattern: '/appc/.*',
    match: 0,
    matrix: 'eapac',
    app: 'appc',
    destinations: [
      {
        name: 'web2',
        address: '10.0.0.12',
        port: 8080,
        weight: 87,
        requests: 2202,
        asked: 0.87,
        askedAvailable: 0.87,
        delivered: 2202 / 2531,
        available: true,
      },
      {
        name: 'web3',
        address: '10.0.0.13',
        port: 8080,
        weight: 13,
        requests: 329,
        asked: 0.13,
        askedAvailable: 1,
        delivered: 329 / 2531,
        available: false,
      },
    ],
  });
});
