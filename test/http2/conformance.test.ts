/** h2spec, strict: it finds nothing. */
import assert from 'node:assert/strict';
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

const program = findH2spec();
const skip = program === null && 'no h2spec: run `make cluster-binaries` (needs Go)';
const directory = temporaryDirectory();

/** On a listener that speaks HTTP/1.1 as well, what is no preface of HTTP/2 is a request of HTTP/1.1: answered 400, closed. */
const OF_PRIOR_KNOWLEDGE = 'http2/3.5 Sends invalid connection preface';

describe('h2spec, strict', { skip, concurrency: 3 }, () => {
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
      assert.deepEqual(failed, protocol === 'HTTPS' ? [] : [OF_PRIOR_KNOWLEDGE]);
      assert.equal(proxy.serving.totals().reasons['internal'], 0);
    });
  }
});
