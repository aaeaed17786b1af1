/** curl over HTTP/2, by ALPN and by prior knowledge, against a whole proxy with two workers. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
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
import { until } from '../../src/proxy/worker/in-process.ts';
import { makeAuthority } from '../../src/tls/fixture/authority.ts';

const knows = String(spawnSync('curl', ['--version']).stdout).includes('HTTP2');
/** On a Debian machine as root `make tools` has installed it, so there the tests must not be left out. */
const excusable = process.platform !== 'linux' || process.getuid?.() !== 0;
const skip = !knows && excusable ? 'no curl that speaks HTTP/2 (make tools says how)' : false;

async function curl(args: readonly string[], input = ''): Promise<string> {
  const child = spawn('curl', ['-s', '--max-time', '20', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  child.stdin.end(input);
  const code = await new Promise((resolve) => {
    child.on('close', resolve);
  });
  assert.equal(code, 0, text);
  return text;
}

const VERSION = ['-w', '\n%{http_version} %{response_code}'];

describe('curl', { skip }, () => {
  const port = { plain: 0, secure: 0 };
  let web: Origin;
  let proxy: TestProxy;

  before(async () => {
    web = await origin('web', (request, response) => {
      if (request.url === '/long') response.end(Buffer.alloc(5 << 20, 'x'));
      else response.end(`${request.method} ${request.headers['content-length'] ?? ''}`);
    });
    port.plain = await freePort();
    port.secure = await freePort();
    const rules = [rule('all', to('web'))];
    const tls = { certificates: ['test/site'] };
    proxy = await startTestProxy({
      workers: 2,
      pieces: [
        certificatePiece('site', makeAuthority().issue({ names: ['shop.example'] })),
        realServer('web', web.port),
        virtualServer(port.plain, { rules }),
        virtualServer(port.secure, { key: 'test/secure', protocol: 'HTTPS', tls, rules }),
      ],
    });
  });
  after(async () => {
    await proxy.close();
    web.close();
  });

  const urls = () =>
    [
      ['--http2-prior-knowledge', `http://127.0.0.1:${port.plain}`],
      ['-k', '--http2', `https://127.0.0.1:${port.secure}`],
    ] as const;

  test('asks, sends a body, gets a long answer', async () => {
    for (const words of urls()) {
      const url = words.at(-1)!;
      const options = [...words.slice(0, -1), ...VERSION];
      assert.equal(await curl([...options, url]), 'GET \n2 200');
      assert.equal(await curl([...options, '--data-binary', '@-', url], 'x'.repeat(200_000)), 'POST 200000\n2 200');
      const long = await curl([...options, `${url}/long`]);
      assert.equal(long.length, (5 << 20) + '\n2 200'.length);
      assert.equal(await curl([...options, '-I', url]).then((text) => text.split('\r\n')[0]), 'HTTP/2 200 ');
    }
  });

  test('many requests one after another over one connection', async () => {
    const { streams, connections } = proxy.serving.totals().http2;
    // by ALPN: curl 7.88 fails the second one by prior knowledge, whoever it asks
    const list = Array.from({ length: 50 }, (_, i) => `https://127.0.0.1:${port.secure}/${i}`);
    const text = await curl(['-k', '-w', ' %{http_version}\n', ...list]);
    assert.equal(text.split('\n').filter((line) => line === 'GET  2').length, 50);
    await until(() => proxy.serving.totals().http2.streams - streams === 50, 'not all were streams');
    assert.equal(proxy.serving.totals().http2.connections - connections, 1);
  });

  test('h2c by Upgrade is not taken up: the answer is HTTP/1.1', async () => {
    const text = await curl(['--http2', ...VERSION, `http://127.0.0.1:${port.plain}`]);
    assert.equal(text, 'GET \n1.1 200');
  });
});
