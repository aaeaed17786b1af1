import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { startTestProxy } from '../testing.ts';
import { ask, freePort, origin, realServer, rule, virtualServer } from './fixture.ts';
import { CookieSigner, cookieValue, endpointToken } from './sticky.ts';

describe('CookieSigner', () => {
  const token = endpointToken('row', '10.0.0.1', 80);

  it('verifies what it signed, also with a key that was rotated out of first place', () => {
    const value = new CookieSigner(['aa'.repeat(32)]).sign(token);
    assert.equal(new CookieSigner(['bb'.repeat(32), 'aa'.repeat(32)]).verify(value), token);
  });

  it('refuses what it did not sign', () => {
    const signer = new CookieSigner(['aa'.repeat(32)]);
    const value = signer.sign(token);
    const other = endpointToken('row', '10.0.0.2', 80);
    for (const forged of [
      '',
      'v1',
      'v1..',
      value.replace(token, other),
      `${value}0`,
      value.slice(0, -1),
      'v2' + value.slice(2),
    ])
      assert.equal(signer.verify(forged), null, forged);
    assert.equal(new CookieSigner(['cc'.repeat(32)]).verify(value), null);
  });
});

it('cookieValue finds its cookie among others', () => {
  assert.equal(cookieValue('a=b; KTCPVS_SID=v1.x.y; c=d'), 'v1.x.y');
  assert.equal(cookieValue('XKTCPVS_SID=1'), null);
});

it('chttp: a session stays where it began, and moves only when its server is gone', async () => {
  const origins = [await origin('a'), await origin('b'), await origin('c')];
  const port = await freePort();
  const names = ['a', 'b', 'c'];
  const servers = () => names.map((name, index) => realServer(name, origins[index]!.port));
  const main = (weights: number[]) =>
    virtualServer(port, {
      scheduler: 'chttp',
      rules: [
        rule(
          'all',
          names.map((name, index) => ({ server: `test/${name}`, weight: weights[index]! })),
        ),
      ],
    });
  const proxy = await startTestProxy({ pieces: [...servers(), main([1, 1, 1])], workers: 2 });
  try {
    const first = await ask(port, '/');
    const cookie = first.headers['set-cookie']![0]!.split(';')[0]!;
    assert.match(first.headers['set-cookie']![0]!, /; Path=\/; HttpOnly; SameSite=Lax$/);
    for (let i = 0; i < 12; i++) {
      const again = await ask(port, '/', { headers: { Cookie: `x=y; ${cookie}` } });
      assert.equal(again.body, first.body);
      assert.equal(again.headers['set-cookie'], undefined);
    }
    const spread = new Set<string>();
    for (let i = 0; i < 6; i++)
      spread.add((await ask(port, '/', { headers: { Cookie: 'KTCPVS_SID=v1.forged.cookie' } })).body);
    assert.equal(spread.size, 3, 'a forged cookie is no session');

    await proxy.configure([...servers(), main(names.map((name) => (name === first.body ? 0 : 1)))]);
    const moved = await ask(port, '/', { headers: { Cookie: cookie } });
    assert.notEqual(moved.body, first.body);
    const cookie2 = moved.headers['set-cookie']![0]!.split(';')[0]!;
    assert.equal((await ask(port, '/', { headers: { Cookie: cookie2 } })).body, moved.body);
  } finally {
    await proxy.close();
    for (const each of origins) each.close();
  }
});

const cookieOf = (answer: Awaited<ReturnType<typeof ask>>) => answer.headers['set-cookie']?.[0]?.split(';')[0];

it('keys are changed at run time: the first signs, the others hold sessions, one that is gone ends them', async () => {
  const [old, fresh] = ['aa'.repeat(32), 'bb'.repeat(32)];
  const origins = [await origin('a'), await origin('b')];
  const port = await freePort();
  const servers = ['a', 'b'].map((name, index) => realServer(name, origins[index]!.port));
  const pieces = (weight: number) => {
    const destinations = ['a', 'b'].map((name) => ({ server: `test/${name}`, weight }));
    return [...servers, virtualServer(port, { scheduler: 'chttp', rules: [rule('all', destinations)] })];
  };
  const proxy = await startTestProxy({ pieces: pieces(1), workers: 2, settings: { cookieKeys: [old] } });
  const repeat = (cookie: string) =>
    Promise.all(Array.from({ length: 8 }, () => ask(port, '/', { headers: { Cookie: cookie } })));
  try {
    const cookie = cookieOf(await ask(port, '/'))!;
    proxy.serving.setCookieKeys([fresh, old]);
    // Messages to a worker keep their order: one that has acknowledged what comes after the keys has the keys.
    await proxy.configure(pieces(2));
    for (const answer of await repeat(cookie)) assert.equal(cookieOf(answer), undefined);
    const signed = cookieOf(await ask(port, '/'))!;
    assert.notEqual(new CookieSigner([fresh]).verify(cookieValue(signed)!), null);
    proxy.serving.setCookieKeys([fresh]);
    await proxy.configure(pieces(3));
    for (const answer of await repeat(cookie)) assert.notEqual(cookieOf(answer), undefined);
    for (const answer of await repeat(signed)) assert.equal(cookieOf(answer), undefined);
  } finally {
    await proxy.close();
    for (const each of origins) each.close();
  }
});
