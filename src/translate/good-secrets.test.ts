import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { CheckCertificates } from './check-certificate.ts';
import type { TlsSecret } from './cluster-state.ts';
import { GoodSecrets } from './good-secrets.ts';

const judge = (...texts: string[]) => (texts.every((text) => text.startsWith('good')) ? null : 'is not good');
const check: CheckCertificates = { pair: judge, authorities: judge };

const pair = (text: string, ca: string | null = null): TlsSecret => ({ certificate: text, key: text, ca });

test('what is bad comes with what was good before, each for itself', () => {
  const good = new GoodSecrets(check);
  const take = (secret: TlsSecret) => good.take(new Map([['a/b', secret]])).get('a/b');
  const first = pair('good 1', 'good ca');
  assert.equal(take(first), first);
  const bad = pair('bad', 'good ca 2');
  assert.deepEqual(take(bad), { ...bad, former: { certificate: 'good 1', key: 'good 1', ca: 'good ca 2' } });
  const worse = pair('bad', 'bad');
  assert.deepEqual(take(worse)?.former, { certificate: 'good 1', key: 'good 1', ca: 'good ca 2' });
  const gone: TlsSecret = { certificate: null, key: null, ca: null, fault: 'cannot be read' };
  assert.deepEqual(take(gone)?.former, { certificate: 'good 1', key: 'good 1', ca: 'good ca 2' });
  const next = pair('good 2');
  assert.deepEqual(take(next), { ...next, former: { certificate: 'good 2', key: 'good 2', ca: 'good ca 2' } });
});

test('what was never good has nothing, and what is taken away is forgotten', () => {
  const good = new GoodSecrets(check);
  const bad = pair('bad');
  assert.equal(good.take(new Map([['a/b', bad]])).get('a/b'), bad);
  good.take(new Map([['a/b', pair('good')]]));
  good.take(new Map());
  assert.equal(good.take(new Map([['a/b', bad]])).get('a/b'), bad);
});

test('what may not be read any more is served by nothing of before', () => {
  const good = new GoodSecrets(check);
  good.take(new Map([['a/b', pair('good')]]));
  const denied: TlsSecret = { certificate: null, key: null, ca: null, denied: 'it may not be read' };
  assert.equal(good.take(new Map([['a/b', denied]])).get('a/b'), denied);
  const bad = pair('bad');
  assert.equal(good.take(new Map([['a/b', bad]])).get('a/b'), bad);
});

test('to look at what would be changes nothing', () => {
  const good = new GoodSecrets(check);
  good.take(new Map([['a/b', pair('good')]]));
  assert.equal(good.take(new Map(), false).size, 0);
  const bad = pair('bad');
  assert.equal(good.take(new Map([['a/b', bad]]), false).get('a/b')?.former?.key, 'good');
  assert.equal(good.take(new Map([['a/b', bad]])).get('a/b')?.former?.key, 'good');
});

test('what did not change is the same object', () => {
  const good = new GoodSecrets(check);
  good.take(new Map([['a/b', pair('good')]]));
  const secrets = new Map([
    ['a/b', pair('bad')],
    ['a/c', pair('good')],
  ]);
  const taken = good.take(secrets);
  assert.equal(good.take(secrets), taken);
  assert.equal(good.take(new Map(secrets)).get('a/b'), taken.get('a/b'));
});
