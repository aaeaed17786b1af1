/** h2spec, strict: nothing beyond what it finds at node:http2 itself. */
import assert from 'node:assert/strict';
import http2, { type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { startTestProxy } from '../../src/proxy/testing.ts';
import {
  certificatePiece,
  freePort,
  origin,
  realServer,
  rule,
  to,
  virtualServer,
} from '../../src/proxy/worker/fixture.ts';
import { temporaryDirectory } from '../../src/standalone/fixture/temporary-directory.ts';
import { makeAuthority } from '../../src/tls/fixture/authority.ts';
import { findH2spec, h2spec } from './h2spec.ts';
import { OF_NODE, OF_NODE_AT_TIMES, OF_PRIOR_KNOWLEDGE } from './known-failures.ts';

const program = findH2spec();
const skip = program === null && 'no h2spec: run `make cluster-binaries` (needs Go)';
const directory = temporaryDirectory();

const beyond = (failed: readonly string[]) => failed.filter((each) => !OF_NODE.has(each) && each !== OF_NODE_AT_TIMES);

describe('h2spec, strict', { skip, concurrency: 3 }, () => {
  test('what is known of node:http2 is so: each of the list is found at a bare server', async (t) => {
    const server = http2.createServer();
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => undefined);
      stream.resume();
      stream.respond({ ':status': 200 });
      stream.end('hello world');
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    t.after(() => server.close());
    const { cases, failed } = await h2spec(
      program!,
      (server.address() as AddressInfo).port,
      [],
      join(directory, 'bare.xml'),
    );
    assert.equal(cases, 146);
    const missing = [...OF_NODE.keys()].filter((each) => !failed.includes(each));
    assert.deepEqual(missing, []);
  });

  for (const protocol of ['HTTP', 'HTTPS'] as const) {
    test(`through the proxy, on a listener of ${protocol}`, async (t) => {
      const web = await origin('hello world');
      const port = await freePort();
      const issued = makeAuthority().issue({ names: ['localhost'] });
      const proxy = await startTestProxy({
        pieces: [
          certificatePiece('site', issued),
          realServer('web', web.port),
          virtualServer(port, { protocol, tls: { certificates: ['test/site'] }, rules: [rule('all', to('web'))] }),
        ],
      });
      t.after(async () => {
        await proxy.close();
        web.close();
      });
      const args = protocol === 'HTTPS' ? ['--tls', '--insecure'] : [];
      const { cases, failed } = await h2spec(program!, port, args, join(directory, `${protocol}.xml`));
      assert.equal(cases, 146);
      assert.deepEqual(beyond(failed), protocol === 'HTTPS' ? [] : [OF_PRIOR_KNOWLEDGE]);
      assert.equal(proxy.serving.totals().reasons['internal'], 0);
    });
  }
});
