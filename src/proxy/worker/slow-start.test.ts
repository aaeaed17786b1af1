/** A server that comes back starts slowly: the whole proxy, two workers, and a clock that the test sets. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';

import type { Piece, RealServerPiece } from '../../model/snapshot.ts';
import { startTestProxy, type TestProxy } from '../testing.ts';
import { ask, freePort, origin, realServer, rule, to, virtualServer } from './fixture.ts';

const WINDOW = 3_600_000;

interface Stage {
  readonly proxy: TestProxy;
  /** Answers of checks of web2: 200 or not. */
  readonly health: { ok: boolean };
  /** Which server gets how many of the first so many requests of this epoch, over connections of their own. */
  readonly shares: (requests: number) => Promise<Record<string, number>>;
  /** A tenth of the window is over. */
  readonly tenth: () => void;
  /** What is due, in milliseconds. */
  readonly due: readonly { readonly milliseconds: number }[];
  /** Resolves when the row's asked shares are as the test wants them. */
  readonly asked: (...shares: number[]) => Promise<void>;
  readonly server: (name: string, more?: Partial<RealServerPiece>) => RealServerPiece;
  readonly port: number;
}

async function stage(t: TestContext, first: (port: number, server: Stage['server']) => Piece[]): Promise<Stage> {
  const health = { ok: true };
  const origins = new Map(
    await Promise.all(
      ['web1', 'web2', 'web3'].map(
        async (name) =>
          [
            name,
            await origin(name, (request, response) => {
              if (request.url === '/check' && name === 'web2' && !health.ok) response.statusCode = 500;
              response.end(name);
            }),
          ] as const,
      ),
    ),
  );
  const port = await freePort();
  const server: Stage['server'] = (name, more = {}) =>
    realServer(name, origins.get(name)!.port, { slowStart: WINDOW, ...more });
  const due: { milliseconds: number; run: () => void }[] = [];
  const proxy = await startTestProxy({
    pieces: first(port, server),
    workers: 2,
    after: (milliseconds, run) => {
      const step = { milliseconds, run };
      due.push(step);
      return () => due.splice(due.indexOf(step), 1);
    },
  });
  t.after(async () => {
    await proxy.close();
    for (const each of origins.values()) each.close();
  });
  const row = () => proxy.serving.counts().rows[0]!;
  const cells = () => proxy.serving.counts().rows[0]?.cells ?? [];
  return {
    proxy,
    health,
    due,
    port,
    tenth: () => due.shift()!.run(),
    async asked(...shares) {
      const isSo = () =>
        cells().length === shares.length &&
        cells().every((cell, index) => Math.abs(cell.askedAvailable - shares[index]!) < 1e-9);
      for (let left = 1000; left > 0 && !isSo(); left--) await new Promise((resolve) => void setTimeout(resolve, 10));
      assert.ok(
        isSo(),
        `asked: ${cells()
          .map((cell) => cell.askedAvailable)
          .join()}, not ${shares.join()}`,
      );
    },
    async shares(requests) {
      const { epoch } = row();
      // requests of a worker that does not have the new epoch yet are of the old one
      const isThere = () => row().cells.reduce((sum, cell) => sum + cell.epochRequests, 0) === requests;
      for (let left = 10 * requests; left > 0 && !isThere(); left--) {
        const { body } = await ask(port, '/');
        assert.match(body, /^web[123]$/);
      }
      assert.equal(row().epoch, epoch);
      const counted = row().cells.filter((cell) => cell.epochRequests > 0);
      return Object.fromEntries(counted.map((cell) => [cell.server.slice('test/'.length), cell.epochRequests]));
    },
    server,
  };
}

const CHECK = { path: '/check', interval: 5, timeout: 5000, healthy: 2, unhealthy: 2 };

it('a server that comes back is served by shares that rise in ten steps, each of them exact', async (t) => {
  const { health, due, tenth, asked, shares } = await stage(t, (port, server) => [
    server('web1'),
    server('web2', { healthCheck: CHECK }),
    virtualServer(port, { rules: [rule('all', to('web1', 'web2'))] }),
  ]);
  await asked(0.5, 0.5);
  assert.deepEqual(await shares(10), { web1: 5, web2: 5 }, 'of the first snapshot nobody starts slowly');
  health.ok = false;
  await asked(1, 0);
  assert.deepEqual(await shares(4), { web1: 4 });
  health.ok = true;
  for (let warmth = 1; warmth < 10; warmth++) {
    await asked(10 / (10 + warmth), warmth / (10 + warmth));
    assert.deepEqual(await shares(2 * (10 + warmth)), { web1: 20, web2: 2 * warmth });
    assert.deepEqual(
      due.map(({ milliseconds }) => milliseconds),
      [WINDOW / 10],
    );
    tenth();
  }
  await asked(0.5, 0.5);
  assert.deepEqual(await shares(10), { web1: 5, web2: 5 });
  assert.deepEqual(due, []);
});

it('a new server starts slowly, a row of new ones does not, and one without slowStart has its share at once', async (t) => {
  const { proxy, due, port, asked, shares, server } = await stage(t, () => []);
  const web3 = realServer('web3', server('web3').endpoints[0]!.endpoints[0]!.port);
  const all = virtualServer(port, { rules: [rule('all', to('web1', 'web2', 'web3'))] });
  const two = virtualServer(port, { rules: [rule('all', to('web1', 'web2'))] });
  await proxy.configure([server('web1'), server('web2'), two]);
  await asked(0.5, 0.5);
  assert.deepEqual(await shares(6), { web1: 3, web2: 3 }, 'there is nothing that is warm');
  assert.equal(due.length, 2);
  await proxy.configure([server('web1'), server('web2'), web3, all]);
  await asked(1 / 12, 1 / 12, 10 / 12);
  assert.deepEqual(await shares(24), { web1: 2, web2: 2, web3: 20 });
});
