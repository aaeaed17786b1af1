import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import tls from 'node:tls';

import type { Issued } from '../../tls/fixture/authority.ts';
import { realServer, refusingPort, rule, to, virtualServer } from './fixture.ts';
import { until } from './in-process.ts';
import { authority, connected, keyAndCertificate, stage } from './tls-stage.ts';

/** A server of TLS that says its name, then whatever it is told. */
async function echo(t: TestContext, name: string, issued: Issued = authority.issue({ names: [`*.${name}.example`] })) {
  const server = tls.createServer({ ...keyAndCertificate(issued), allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.write(`${name}: `);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

async function talk(port: number, servername: string, text = 'hello', options: tls.ConnectionOptions = {}) {
  const socket = await connected(port, { servername, allowHalfOpen: true, ...options } as tls.ConnectionOptions);
  socket.end(text);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

const passing = (port: number, more: Partial<Parameters<typeof virtualServer>[1]>) =>
  virtualServer(port, { protocol: 'TLS', scheduler: 'wlc', ...more });

describe('TLS that is passed through', () => {
  test('by the name in the handshake to the virtual server, and by its rules to the servers', async (t) => {
    const [a, b, c] = [await echo(t, 'a'), await echo(t, 'b'), await echo(t, 'c')];
    const { port, proxy } = await stage(t, (at) => [
      realServer('a', a),
      realServer('b', b, { protocol: 'HTTPS', tls: { hostname: null, ca: null, clientCertificate: null } }),
      realServer('c', c),
      passing(at, {
        hosts: ['x.a.example', '*.a.example', '*.c.example'],
        rules: [
          rule('exact', to('a'), { hosts: ['x.a.example'] }),
          rule('path', to('b'), { hosts: ['*.c.example'], path: { type: 'Prefix', value: '/' } }),
          rule('wild', to('c'), { hosts: ['*.c.example'] }),
        ],
        servers: to('a'),
      }),
      { ...passing(at, { hosts: ['*.b.example'], servers: to('b') }), key: 'test/b' },
    ]);
    assert.equal(await talk(port, 'x.a.example'), 'a: hello');
    assert.equal(await talk(port, 'other.a.example'), 'a: hello', 'its own servers, where no rule takes it');
    assert.equal(await talk(port, 'x.b.example'), 'b: hello', 'TLS is not put into TLS');
    assert.equal(await talk(port, 'X.C.example'), 'c: hello', 'a rule that looks at a path is none for this');
    await assert.rejects(connected(port, { servername: 'unknown.example' }), /unrecognized name/);
    await assert.rejects(connected(port, { servername: '' }), /unrecognized name/);
    await until(() => proxy.serving.totals().tls.failures.unknown_name === 2, 'not counted');
    await until(() => proxy.serving.totals().connectionsActive === 0, 'connections are left');
  });

  test('every byte of long streams, both ways', async (t) => {
    const a = await echo(t, 'a');
    const { port } = await stage(t, (at) => [realServer('a', a), passing(at, { servers: to('a') })]);
    const text = 'all kinds of bytes '.repeat(200_000);
    assert.ok((await talk(port, 'x.a.example', text)) === `a: ${text}`);
  });

  test('a hello of post-quantum key exchange that spans segments', async (t) => {
    const a = await echo(t, 'a');
    const { port } = await stage(t, (at) => [realServer('a', a), passing(at, { servers: to('a') })]);
    const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      const out = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
      socket.once('data', (hello: Buffer) => {
        assert.ok(hello.length > 1200, 'a share of ML-KEM is in it');
        const write = (at: number): void => {
          if (at >= hello.length) {
            socket.pipe(out);
            out.pipe(socket);
          } else out.write(hello.subarray(at, at + 500), () => setImmediate(write, at + 500));
        };
        write(0);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const at = (server.address() as net.AddressInfo).port;
    assert.equal(await talk(at, 'x.a.example', 'hello', { ecdhCurve: 'X25519MLKEM768' }), 'a: hello');
  });

  test('least connections by weight, and past servers that refuse', async (t) => {
    const [a, b] = [await echo(t, 'a'), await echo(t, 'b', authority.issue({ names: ['*.a.example'] }))];
    const gone = refusingPort();
    const { port } = await stage(
      t,
      (at) => [
        realServer('a', a),
        realServer('b', b),
        realServer('gone', gone),
        passing(at, { servers: to('a', 'b', 'gone') }),
      ],
      1,
    );
    const open: tls.TLSSocket[] = [];
    const names: string[] = [];
    for (let i = 0; i < 8; i++) {
      const socket = await connected(port, { servername: 'x.a.example' });
      open.push(socket);
      names.push(String(await once(socket, 'data')));
    }
    for (const socket of open) socket.destroy();
    for (const name of ['a', 'b']) assert.ok(names.filter((each) => each.startsWith(name)).length >= 3, names.join());
  });

  test('plain text is not passed on', async (t) => {
    const seen: Buffer[] = [];
    const server = net.createServer((socket) => socket.on('data', (chunk: Buffer) => seen.push(chunk)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = await stage(t, (at) => [
      realServer('a', (server.address() as net.AddressInfo).port),
      passing(at, { servers: to('a') }),
    ]);
    const socket = net.connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    assert.match(text, /^HTTP\/1\.1 400/);
    assert.deepEqual(seen, []);
  });
});
