import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import type { Filter, Match } from '../../model/snapshot.ts';
import { startTestProxy, type TestProxy } from '../testing.ts';
import { ask, freePort, origin, realServer, rule, to, virtualServer, type Origin } from './fixture.ts';

const prefix = (value: string): Partial<Match> => ({ path: { type: 'Prefix', value } });
const requestHeaders: Filter = {
  type: 'RequestHeaders',
  set: [{ name: 'X-Env', value: 'prod' }],
  add: [{ name: 'X-More', value: '2' }],
  remove: ['Cookie', 'x-forwarded-proto'],
};

describe('filters', () => {
  let web: Origin;
  let shadow: net.Server;
  let proxy: TestProxy;
  let port: number;
  let mirrored: Promise<string>;

  before(async () => {
    web = await origin('web', (request, response) => {
      response.setHeader('Server', 'inside');
      response.end(request.url);
    });
    shadow = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(shadow, 'listening');
    mirrored = new Promise((resolve) => {
      shadow.on('connection', (socket) => {
        let text = '';
        socket.on('data', (chunk) => (text += chunk.toString('latin1')));
        socket.on('end', () => {
          socket.end();
          resolve(text);
        });
      });
    });
    port = await freePort();
    const rewritePrefix: Filter = { type: 'Rewrite', host: 'inner.example', path: { type: 'Prefix', value: '/v2' } };
    const full: Filter = { type: 'Rewrite', host: null, path: { type: 'Full', value: '/one' } };
    const redirect: Filter = {
      type: 'Redirect',
      scheme: 'https',
      host: null,
      port: null,
      path: { type: 'Prefix', value: '/new' },
      status: 308,
    };
    const responseHeaders: Filter = {
      type: 'ResponseHeaders',
      set: [{ name: 'X-Frame', value: 'DENY' }],
      add: [],
      remove: ['server'],
    };
    const mirror: Filter = { type: 'Mirror', server: 'test/shadow', percent: 100 };
    proxy = await startTestProxy({
      pieces: [
        realServer('web', web.port),
        realServer('shadow', (shadow.address() as AddressInfo).port),
        virtualServer(port, {
          rules: [
            rule('api', to('web'), prefix('/api'), { filters: [rewritePrefix] }),
            rule('full', to('web'), prefix('/full'), { filters: [full] }),
            rule('moved', to('web'), prefix('/old'), { filters: [redirect] }),
            rule('fields', to('web'), prefix('/fields'), { filters: [requestHeaders, responseHeaders] }),
            rule('copied', to('web'), prefix('/copied'), { filters: [mirror] }),
          ],
        }),
      ],
    });
  });
  after(async () => {
    web.close();
    shadow.close();
    await proxy.close();
  });

  it('rewrites prefix and host, and keeps the query', async () => {
    assert.equal((await ask(port, '/api/users?x=%2F')).body, '/v2/users?x=%2F');
    assert.equal(web.requests.at(-1)!.headers.host, 'inner.example');
    assert.equal((await ask(port, '/api')).body, '/v2');
  });

  it('rewrites the whole path', async () => {
    assert.equal((await ask(port, '/full/a/b?q')).body, '/one?q');
  });

  it('redirects, with the host that was asked for', async () => {
    const answer = await ask(port, '/old/page?a=b', { headers: { Host: 'shop.example:8000' } });
    assert.equal(answer.status, 308);
    assert.equal(answer.headers.location, 'https://shop.example/new/page?a=b');
  });

  it('sets, adds and removes fields of requests and answers', async () => {
    const answer = await ask(port, '/fields', { headers: { 'X-Env': 'client', Cookie: 'a=b', 'X-More': '1' } });
    const { headers } = web.requests.at(-1)!;
    assert.equal(headers['x-env'], 'prod');
    assert.equal(headers['x-more'], '1, 2');
    assert.equal(headers.cookie, undefined);
    assert.equal(answer.headers['x-frame'], 'DENY');
    assert.equal(answer.headers.server, undefined);
  });

  it('mirrors a request with its body, and answers from the original', async () => {
    assert.equal((await ask(port, '/copied', { method: 'POST', body: 'hello' })).body, '/copied');
    const text = await mirrored;
    assert.match(text, /^POST \/copied HTTP\/1\.1\r\n/);
    assert.match(text, /hello$/);
  });
});
