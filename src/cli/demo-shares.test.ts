import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { CellCounts, CountsDocument } from '../model/counts.ts';
import { commands, fitting, matrices, summary, type Picture } from './demo-screen.ts';
import { inexact, recount, sharesOf } from './demo-shares.ts';

const cell = (server: string, app: string, weight: number, asked: number, requests: number): CellCounts => ({
  server: `default/${server}`,
  app,
  weight,
  available: true,
  asked,
  askedAvailable: asked,
  delivered: null,
  epochRequests: requests,
  requests,
  retries: 0,
  sticky: 0,
  failures: 0,
});
const counts: CountsDocument = {
  rows: [
    {
      id: 'matrix default/eapac appc',
      epoch: 1,
      cells: [cell('web2', 'appc', 87, 0.87, 174), cell('web3', 'appc', 13, 0.13, 26)],
    },
    { id: 'servers default/http', epoch: 1, cells: [{ ...cell('web1', 'x', 1, 1, 5), app: null }] },
  ],
  endpoints: [],
};

test('exact counts have nothing to complain of', () => {
  const shares = sharesOf(counts, ['appc', 'absent']);
  assert.deepEqual(
    shares.map((row) => [row.app, row.requests]),
    [['appc', 200]],
  );
  assert.ok((shares[0]?.offBy ?? 9) < 1e-9);
  assert.deepEqual(inexact(shares, 'a count'), []);
});

test('two requests beside the share, or none at all, are named', () => {
  const shares = sharesOf(counts, ['appc']);
  const beside = recount(shares, (server) => (server === 'web2' ? 172 : 28));
  assert.match(
    inexact(beside, 'a count').join(),
    /^appc: off by 2\.00 requests of 200 \(a count\): web2 172, asked 87\.00/,
  );
  assert.match(
    inexact(
      recount(shares, () => 0),
      'a count',
    ).join(),
    /no request was counted/,
  );
});

test('within one request is exact: 87 % of 199 is 173.13', () => {
  const shares = recount(sharesOf(counts, ['appc']), (server) => (server === 'web2' ? 174 : 25));
  assert.deepEqual(inexact(shares, 'a count'), []);
});

test('the picture has both matrices, and colours only where they are wanted', () => {
  const picture: Picture = {
    servers: ['web2', 'web3'],
    shares: recount(sharesOf(counts, ['appc']), (server) => (server === 'web2' ? 172 : 28)),
    load: new Map([['appc', { answered: 200, errors: 3 }]]),
    seconds: 62,
    mostSeconds: 600,
    width: 80,
    colours: false,
  };
  const text = matrices(picture).join('\n');
  assert.match(text, /asked % +web2 +web3\nappc +87 +13\n/);
  assert.match(text, /appc +86\.00 +14\.00 +200 +3 +2\.00/);
  assert.ok(!text.includes('\u001B'));
  assert.ok(
    matrices({ ...picture, colours: true })
      .join('')
      .includes('\u001B[31m'),
  );
  assert.match(matrices({ ...picture, width: 140 })[1] ?? '', /87 +13 +appc +86\.00/);
  assert.match(summary(picture), /1:02 of 10:00 · 200 requests answered, 3 errors · appc web2 86\.00 \/ web3 14\.00/);
});

test('in a small terminal the blank lines go first, then the end', () => {
  assert.deepEqual(fitting(['a', '', 'b'], 4), ['a', '', 'b']);
  assert.deepEqual(fitting(['a', '', 'b'], 3), ['a', 'b']);
  assert.deepEqual(fitting(['a', 'b', 'c'], 3), ['a', 'b']);
});

test('the commands to try next fit on a terminal of 80 columns', () => {
  const directory = '/tmp/tcpvs-demo-ABCDEF/config';
  const places = { directory, socket: '/tmp/tcpvs-demo-ABCDEF/admin.sock', listen: '127.0.0.1:8000', serverPort: 8080 };
  for (const line of commands(places, false)) assert.ok(line.length <= 80, line);
});
