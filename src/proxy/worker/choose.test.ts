import assert from 'node:assert/strict';
import http from 'node:http';
import { describe, it } from 'node:test';

import type { MatrixPiece } from '../../model/snapshot.ts';
import { startTestProxy } from '../testing.ts';
import { ask, freePort, origin, realServer, refusingPort, rule, to, virtualServer } from './fixture.ts';

async function count(port: number, requests: number, path: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  await Promise.all(
    Array.from({ length: requests }, async () => {
      const { body } = await ask(port, path);
      counts[body] = (counts[body] ?? 0) + 1;
    }),
  );
  return counts;
}

function matrix(a: number, b: number): MatrixPiece {
  const cells = [
    { server: 'test/web2', weight: a },
    { server: 'test/web3', weight: b },
  ];
  return { kind: 'Matrix', key: 'test/eapac', hash: `${a} ${b}`, columns: [{ app: 'appc', service: null, cells }] };
}

describe('choosing', () => {
  it('a column of a matrix is served exactly, over two workers, and anew after a change', async () => {
    const origins = [await origin('web2'), await origin('web3')];
    const port = await freePort();
    const rest = [
      realServer('web2', origins[0]!.port),
      realServer('web3', origins[1]!.port),
      virtualServer(port, {
        scheduler: 'hhttp',
        rules: [
          rule(
            'appc',
            [],
            { path: { type: 'Pattern', value: '/appc/.*' } },
            {
              destinations: { kind: 'App', matrix: 'test/eapac', app: 'appc' },
            },
          ),
        ],
      }),
    ];
    const proxy = await startTestProxy({ pieces: [matrix(87, 13), ...rest], workers: 2 });
    assert.deepEqual(await count(port, 100, '/appc/x'), { web2: 87, web3: 13 });
    assert.deepEqual(await count(port, 200, '/appc/x'), { web2: 174, web3: 26 });
    await proxy.configure([matrix(50, 50), ...rest]);
    assert.deepEqual(await count(port, 40, '/appc/x'), { web2: 20, web3: 20 });
    await proxy.configure([matrix(0, 50), ...rest]);
    assert.deepEqual(await count(port, 10, '/appc/x'), { web3: 10 });
    const [row] = proxy.serving.counts().rows;
    assert.deepEqual(
      row!.cells.map((cell) => cell.requests),
      [261 + 20, 39 + 20 + 10],
    );
    assert.deepEqual(
      row!.cells.map((cell) => cell.delivered),
      [0, 1],
    );
    await proxy.close();
    for (const each of origins) each.close();
  });

  it('hhttp with a group: a user stays with a server', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const origins = await Promise.all(names.map((name) => origin(name)));
    const port = await freePort();
    const proxy = await startTestProxy({
      pieces: [
        ...names.map((name, index) => realServer(name, origins[index]!.port)),
        virtualServer(port, {
          scheduler: 'hhttp',
          rules: [rule('users', to(...names), { path: { type: 'Pattern', value: '/users/([^/]+)/.*' }, hashGroup: 1 })],
        }),
      ],
      workers: 2,
    });
    const homes = new Set<string>();
    for (let user = 0; user < 16; user++) {
      const home = (await ask(port, `/users/u${user}/a`)).body;
      homes.add(home);
      assert.equal((await ask(port, `/users/u${user}/b?c`)).body, home);
    }
    assert.equal(homes.size, 4);
    await proxy.close();
    for (const each of origins) each.close();
  });

  it('a server at its cap is passed over; when all are, the answer is 503 and the limit is counted', async () => {
    const answers: (() => void)[] = [];
    const slow = await origin('slow', (_, response) => answers.push(() => response.end('slow')));
    const port = await freePort();
    const proxy = await startTestProxy({
      pieces: [
        realServer('slow', slow.port, { maxConnections: 1 }),
        virtualServer(port, { rules: [rule('all', to('slow'))] }),
      ],
    });
    const first = ask(port, '/');
    while (slow.requests.length === 0) await new Promise(setImmediate);
    const second = await ask(port, '/');
    assert.equal(second.status, 503);
    assert.match(second.body, /at_capacity/);
    assert.equal(second.headers['retry-after'], '1');
    assert.equal(proxy.serving.totals().limits.connections_per_server, 1);
    for (const answer of answers.splice(0)) answer();
    assert.equal((await first).body, 'slow');
    await proxy.close();
    slow.close();
  });

  it('the only server refuses: it is asked all the same, and shown as failing until it answers', async () => {
    const port = await freePort();
    const dead = await freePort();
    const proxy = await startTestProxy({
      pieces: [realServer('only', dead), virtualServer(port, { rules: [rule('all', to('only'))] })],
    });
    const down = () => proxy.serving.counts().endpoints[0]!.down;
    const until = async (want: readonly string[]) => {
      while (down().join() !== want.join()) await ask(port, '/').catch(() => null);
    };
    assert.deepEqual(down(), []);
    assert.equal((await ask(port, '/')).status, 502);
    await until(['failing']);
    const web = http.createServer((_, response) => response.end('back')).listen(dead, '127.0.0.1');
    await until([]);
    assert.equal((await ask(port, '/')).body, 'back');
    await proxy.close();
    web.closeAllConnections();
    web.close();
  });

  it('no destination: the redirect takes it', async () => {
    const [last, dead] = [await origin('last'), refusingPort()];
    const port = await freePort();
    const proxy = await startTestProxy({
      pieces: [
        realServer('dead', dead),
        virtualServer(port, {
          rules: [rule('all', to('dead'))],
          redirect: { address: '127.0.0.1', port: last.port, guard: null },
        }),
      ],
    });
    for (let i = 0; i < 3; i++) assert.equal((await ask(port, '/', { method: 'POST', body: 'x' })).body, 'last');
    await proxy.close();
    last.close();
  });
});
