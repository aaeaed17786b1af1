import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { startTestProxy, type TestProxy } from '../../src/proxy/testing.ts';
import {
  certificatePiece,
  freePort,
  origin,
  type Origin,
  realServer,
  rule,
  to,
  virtualServer,
} from '../../src/proxy/worker/fixture.ts';
import { temporaryDirectory } from '../../src/standalone/fixture/temporary-directory.ts';
import { makeAuthority } from '../../src/tls/fixture/authority.ts';
import { missing, run } from './commands.ts';

const LARGE = 'large'.repeat(200_000);
const BODY = 'x'.repeat(100_000);
const PROGRAMS = join(import.meta.dirname, 'programs');

const directory = temporaryDirectory();
const authority = makeAuthority();
const CA = join(directory, 'ca.crt');
const UPLOAD = join(directory, 'upload');
writeFileSync(CA, authority.certificate);
writeFileSync(UPLOAD, BODY);

const wget = (...args: string[]) =>
  run('wget', ['-q', '-O', '-', '-T', '20', '-t', '1', `--ca-certificate=${CA}`, ...args]);
/** After each answer its status, and how many connections were made for it. */
async function curl(...args: string[]): Promise<string> {
  const common = ['-sS', '--cacert', CA, '--max-time', '20', '-w', '\n%{http_code} %{num_connects}\n'];
  return (await run('curl', [...common, ...args])).stdout.replace(BODY, 'BODY');
}

const line = (request: string, status: number, body: string) =>
  `${request} ${status} ${body.length} ${createHash('sha256').update(body).digest('hex')}`;
const ANSWERS = [
  line('GET /small', 200, 'small'),
  line('GET /large', 200, LARGE),
  line('POST /echo', 200, BODY),
  line('HEAD /small', 200, ''),
  line('GET /missing', 404, 'missing'),
];

let proxy: TestProxy;
let web: Origin;
const ports = { http: 0, https: 0 };

before(async () => {
  web = await origin('web', (request, response) => {
    if (request.url === '/echo') response.end(web.requests.at(-1)!.body);
    else if (request.url === '/large') response.end(LARGE);
    else if (request.url === '/small') response.end('small');
    else response.writeHead(404).end('missing');
  });
  [ports.http, ports.https] = [await freePort(), await freePort()];
  const rules = [rule('all', to('web'))];
  proxy = await startTestProxy({
    workers: 2,
    pieces: [
      certificatePiece('own', authority.issue({ names: ['localhost'] })),
      realServer('web', web.port),
      virtualServer(ports.http, { rules }),
      {
        ...virtualServer(ports.https, { protocol: 'HTTPS', rules, tls: { certificates: ['test/own'] } }),
        key: 'test/secure',
      },
    ],
  });
});
after(async () => {
  await proxy.close();
  web.close();
});

for (const scheme of ['http', 'https'] as const) {
  const url = () => `${scheme}://localhost:${ports[scheme]}`;

  describe(scheme, { concurrency: false }, () => {
    const libraries = [
      { name: 'Node', needs: [], words: [process.execPath, 'client.ts'] },
      { name: 'Python', needs: ['python3'], words: ['python3', 'client.py'] },
      { name: 'Go', needs: ['go'], words: ['go', 'run', 'client.go'] },
      { name: 'Java', needs: ['java'], words: ['java', 'Client.java'] },
    ];
    for (const { name, needs, words } of libraries) {
      test(`what comes with ${name}`, { skip: missing(needs) }, async () => {
        const [command = '', ...args] = words;
        const { stdout } = await run(command, [...args, url(), CA], PROGRAMS);
        assert.deepEqual(stdout.trim().split('\n'), ANSWERS);
      });
    }

    test(
      'curl: kept alive, an upload, one in chunks, one that waits for 100',
      { skip: missing(['curl']) },
      async () => {
        assert.equal(await curl(`${url()}/small`, `${url()}/missing`), 'small\n200 1\nmissing\n404 0\n');
        assert.equal(await curl('--data-binary', `@${UPLOAD}`, `${url()}/echo`), 'BODY\n200 1\n');
        const chunked = ['-T', '-', '-X', 'POST', `${url()}/echo`];
        assert.equal(await curl(...chunked), '\n200 1\n');
        const patient = [
          '-H',
          'Expect: 100-continue',
          '--expect100-timeout',
          '15',
          '-d',
          `@${UPLOAD}`,
          `${url()}/echo`,
        ];
        assert.equal(await curl(...patient), 'BODY\n200 1\n');
      },
    );

    test('wget: a page, an upload, what is not there', { skip: missing(['wget']) }, async () => {
      assert.equal((await wget(`${url()}/large`)).stdout.replace(LARGE, 'LARGE'), 'LARGE');
      assert.equal((await wget(`--post-file=${UPLOAD}`, `${url()}/echo`)).stdout.replace(BODY, 'BODY'), 'BODY');
      await assert.rejects(wget(`${url()}/missing`), /exit status 8/);
    });

    test('ab: kept alive and not, none fails', { skip: missing(['ab']) }, async () => {
      for (const kept of [['-k'], []]) {
        const { stdout } = await run('ab', [...kept, '-q', '-n', '500', '-c', '10', `${url()}/small`]);
        assert.match(stdout, /Complete requests: +500\n/);
        assert.match(stdout, /Failed requests: +0\n/);
        assert.doesNotMatch(stdout, /Non-2xx/);
        if (kept.length > 0) assert.match(stdout, /Keep-Alive requests: +500\n/);
      }
    });

    for (const [version, words] of [
      ['HTTP/1.1', ['--h1']],
      ['HTTP/2', ['-m', '10']],
    ] as const) {
      test(`h2load, by ${version}: none fails`, { skip: missing(['h2load']) }, async () => {
        const { stdout } = await run('h2load', [...words, '-n', '1000', '-c', '8', `${url()}/small`]);
        assert.match(stdout, /1000 succeeded, 0 failed, 0 errored, 0 timeout/);
        assert.match(stdout, /status codes: 1000 2xx/);
      });
    }
  });
}
