/** Servers of HTTP/2 that break the rules, or break off (robustness 97–107, 113): by number where there is one. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';

import { ERROR, FLAG, FRAME } from '../../http2/frames.ts';
import { frame, integer } from '../../http2/testing.ts';
import { GLOBAL } from '../shared.ts';
import { ask } from './fixture.ts';
import { block, data, headers, reset, settings, windowUpdate } from './frame-server.ts';
import { until } from './in-process.ts';
import { frameStage } from './stream-servers.ts';

/** What a client reads up to the end of its connection; `broken`: it ended by a reset. */
async function read(port: number, text: string): Promise<{ text: string; broken: boolean }> {
  const socket = net.connect(port, '127.0.0.1');
  socket.write(text);
  let got = '';
  socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')));
  return await new Promise((resolve) => {
    socket.on('error', () => resolve({ text: got, broken: true }));
    socket.on('close', () => resolve({ text: got, broken: false }));
  });
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const OK = [':status', '200'];
const PING = frame(FRAME.ping, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]);

describe('an answer that is none is 502, and its stream is reset', () => {
  const cases: [string, (id: number) => number[][]][] = [
    ['no status', (id) => [headers(id, ['server', 'x'])]],
    ['101. a status of two digits', (id) => [headers(id, [':status', '20'])]],
    ['101. a status of letters', (id) => [headers(id, [':status', '2xx'])]],
    ['102. LF in a value', (id) => [headers(id, [...OK, 'x', 'a\nb: c'])]],
    ['102. CR and LF in a name', (id) => [headers(id, [...OK, 'x\r\ny', 'a'])]],
    ['102. NUL in a value', (id) => [headers(id, [...OK, 'x', 'a\0b'])]],
    ['a capital in a name', (id) => [headers(id, [...OK, 'X', 'a'])]],
    ['97. transfer-encoding', (id) => [headers(id, [...OK, 'transfer-encoding', 'chunked'])]],
    ['97. two lengths', (id) => [headers(id, [...OK, 'content-length', '1', 'content-length', '1'])]],
    ['97. a length and no content', (id) => [headers(id, [...OK, 'content-length', '1'], true)]],
    ['connection', (id) => [headers(id, [...OK, 'connection', 'close'])]],
    ['96. an interim answer that ends the stream', (id) => [headers(id, [':status', '103'], true)]],
    ['84. switching protocols', (id) => [headers(id, [':status', '101'])]],
    ['DATA before HEADERS', (id) => [data(id, 'x')]],
    [
      '105. a head of more than 64 KB',
      (id) => {
        const long = [
          ...block([...OK]),
          ...Array.from({ length: 5 }, (_, i) => block([`x${i}`, 'a'.repeat(16_000)])).flat(),
        ];
        return pieces(id, long);
      },
    ],
    [
      '105. more than 200 fields',
      (id) => [headers(id, [...OK, ...Array.from({ length: 201 }, () => ['a', 'b']).flat()], true)],
    ],
    ['96. more than 32 interim answers', (id) => Array.from({ length: 33 }, () => headers(id, [':status', '103']))],
  ];
  for (const [name, answer] of cases) {
    test(name, async (t) => {
      const { server, proxy } = await frameStage(t, 'H2C', (connection, { id }, nth) => {
        if (nth === 0) connection.send(...answer(id));
        else connection.send(headers(id, OK), data(id, 'well', true));
      });
      const { text } = await read(proxy.port, GET);
      const final = text.slice(text.lastIndexOf('HTTP/1.1'));
      assert.match(final, /^HTTP\/1\.1 502 [^]*bad_answer/);
      // nobody else suffers from it
      assert.equal((await ask(proxy.port, '/')).body, 'well');
      assert.equal(server.connections.length, 1);
      await until(() => server.connections[0]!.resets.length === 1 || /fields/.test(name), 'the stream is not reset');
      await proxy.settled();
    });
  }
});

/** HEADERS and CONTINUATION of 16 KB. */
function pieces(id: number, bytes: readonly number[]): number[][] {
  const frames: number[][] = [];
  for (let p = 0; p < bytes.length; p += 16_384) {
    const isLast = p + 16_384 >= bytes.length;
    const type = p === 0 ? FRAME.headers : FRAME.continuation;
    frames.push(frame(type, isLast ? FLAG.endHeaders : 0, id, bytes.slice(p, p + 16_384)));
  }
  return frames;
}

describe('99. an answer that breaks off is an error to the client, and no other stream is', () => {
  const LENGTH = [...OK, 'content-length', '10'];
  const cases: [string, (id: number) => number[][]][] = [
    ['reset behind its head', (id) => [headers(id, LENGTH), reset(id, ERROR.cancel)]],
    ['reset within its body', (id) => [headers(id, LENGTH), data(id, 'half'), reset(id, 0)]],
    ['reset within a body without a length', (id) => [headers(id, OK), data(id, 'half'), reset(id, ERROR.cancel)]],
    ['97. less than its length', (id) => [headers(id, LENGTH), data(id, 'half', true)]],
    [
      '97. less than its length, and trailers',
      (id) => [headers(id, LENGTH), data(id, 'half'), headers(id, ['x', 'y'], true)],
    ],
    ['97. more than its length', (id) => [headers(id, LENGTH), data(id, 'half'), data(id, 'and too much')]],
    ['trailers that do not end the stream', (id) => [headers(id, OK), data(id, 'half'), headers(id, ['x', 'y'])]],
    ['a pseudo-field in the trailers', (id) => [headers(id, OK), data(id, 'half'), headers(id, OK, true)]],
    ['LF in a trailer', (id) => [headers(id, OK), data(id, 'half'), headers(id, ['x', 'a\nb'], true)]],
    [
      'a window of the stream beyond 2^31 - 1',
      (id) => [headers(id, OK), data(id, 'half'), windowUpdate(id, 0x7fffffff)],
    ],
    ['a window that grows by nothing', (id) => [headers(id, OK), data(id, 'half'), windowUpdate(id, 0)]],
  ];
  for (const [name, answer] of cases) {
    test(name, async (t) => {
      const { server, proxy } = await frameStage(t, 'H2C', (connection, { id, fields }) => {
        // the head on its own first: it has reached the client when the rest comes
        if (fields[':path'] === '/well') connection.send(headers(id, OK), data(id, 'well', true));
        else {
          const [head, ...rest] = answer(id);
          connection.send(head!);
          void until(() => proxy.clients().some(({ answerStarted }) => answerStarted), 'no head').then(() =>
            connection.send(...rest),
          );
        }
      });
      const { text, broken } = await read(proxy.port, GET.replace(': close', ': keep-alive'));
      assert.ok(broken, text);
      assert.match(text, /^HTTP\/1\.1 200 OK/);
      assert.doesNotMatch(text, /\r\n0\r\n/);
      assert.equal((await ask(proxy.port, '/well')).body, 'well');
      assert.equal(server.connections.length, 1);
      await proxy.settled();
    });
  }
});

describe('98. content where none may be is not passed on', () => {
  const cases: [string, string, (id: number) => number[][]][] = [
    ['of a HEAD', 'HEAD', (id) => [headers(id, [...OK, 'content-length', '4']), data(id, 'oops', true)]],
    ['of a 204', 'GET', (id) => [headers(id, [':status', '204']), data(id, 'oops', true)]],
    ['of a 304', 'GET', (id) => [headers(id, [':status', '304']), data(id, 'oops', true)]],
    ['of length 0', 'GET', (id) => [headers(id, [...OK, 'content-length', '0']), data(id, 'oops', true)]],
  ];
  for (const [name, method, answer] of cases) {
    test(name, async (t) => {
      const { server, proxy } = await frameStage(t, 'H2C', (connection, { id }) => connection.send(...answer(id)));
      const { text, broken } = await read(proxy.port, GET.replace('GET', method));
      assert.doesNotMatch(text, /oops/);
      assert.match(text, /^HTTP\/1\.1 (200|204|304|502)/);
      assert.equal(broken, false);
      await until(() => server.connections[0]!.resets.length === 1, 'the stream is not reset');
      await proxy.settled();
    });
  }
});

describe('what breaks the rules of the connection ends it; what is not answered is 502', () => {
  const cases: [string, number, (id: number) => number[][]][] = [
    ['a block that cannot be decoded', ERROR.compression, (id) => [frame(FRAME.headers, 5, id, [0xff, 0xff])]],
    ['a stream that we have not begun', ERROR.protocol, (id) => [headers(id + 2, OK, true)]],
    ['a stream of its own', ERROR.protocol, () => [headers(2, OK, true)]],
    ['DATA of a stream that we have not begun', ERROR.protocol, (id) => [data(id + 2, 'x')]],
    ['a promise', ERROR.protocol, (id) => [frame(FRAME.pushPromise, 4, id, [0, 0, 0, 2, 0x88])]],
    ['a window beyond 2^31 - 1', ERROR.flowControl, () => [windowUpdate(0, 0x7fffffff)]],
    [
      'a first window that makes one too large',
      ERROR.flowControl,
      (id) => [windowUpdate(id, 0x7fff0000), settings([4, 0x7fffffff])],
    ],
    [
      'more than it was given',
      ERROR.flowControl,
      (id) => [headers(id, OK), ...Array.from({ length: 9 }, () => data(id, 'x'.repeat(16_384)))],
    ],
    ['113. a flood of PING', ERROR.enhanceYourCalm, () => Array.from({ length: 1100 }, () => PING)],
    ['113. a flood of SETTINGS', ERROR.enhanceYourCalm, () => Array.from({ length: 1100 }, () => settings())],
    [
      '113. a flood of empty DATA',
      ERROR.enhanceYourCalm,
      (id) => [headers(id, OK), ...Array.from({ length: 1100 }, () => data(id, ''))],
    ],
    [
      '113. a flood of PRIORITY',
      ERROR.enhanceYourCalm,
      (id) => Array.from({ length: 1100 }, () => frame(FRAME.priority, 0, id, [0, 0, 0, 0, 1])),
    ],
    [
      '113. a flood of CONTINUATION',
      ERROR.enhanceYourCalm,
      (id) => [
        frame(FRAME.headers, 0, id, []),
        ...Array.from({ length: 40 }, () => frame(FRAME.continuation, 0, id, [])),
      ],
    ],
  ];
  for (const [name, code, answer] of cases) {
    test(name, async (t) => {
      const { server, proxy } = await frameStage(t, 'H2C', (connection, { id }, nth) => {
        if (nth > 0) {
          connection.send(headers(id, OK), data(id, 'well', true));
          return;
        }
        // a client that does not read: what it is sent is not made up for
        if (name.startsWith('more than')) for (const stream of proxy.upstreams()) stream.pause();
        connection.send(...answer(id));
      });
      const socket = net.connect(proxy.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(GET);
      await until(() => server.connections[0]?.goneAway === code, `no GOAWAY with ${code}`);
      socket.destroy();
      assert.equal(proxy.loop.state.counters.global[GLOBAL.upstreamFaults], 1);
      await until(() => proxy.streamConnections().length === 0, 'the connection is left');
      assert.equal((await ask(proxy.port, '/')).body, 'well');
      await proxy.settled();
    });
  }

  test('a server of HTTP/1.1', async (t) => {
    const { server, proxy } = await frameStage(t, 'H2C', () => {});
    server.close();
    const plain = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'));
    });
    await new Promise<void>((resolve) => {
      plain.listen(0, '127.0.0.1', resolve);
    });
    t.after(() => plain.close());
    proxy.swap([(plain.address() as net.AddressInfo).port]);
    const answer = await ask(proxy.port, '/');
    assert.equal(answer.status, 502);
    assert.match(answer.body, /bad_answer/);
    await proxy.settled();
  });
});

test('a table that the server uses before it has heard that it may not', async (t) => {
  const { proxy } = await frameStage(t, 'H2C', (connection, { id }, nth) => {
    const field = [0x40, ...block(['x-nth', 'seven']).slice(1)];
    const own = nth === 0 ? [0x88, ...field] : [0x88, ...integer(0x80, 0x7f, 62)];
    connection.send(frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, id, own));
  });
  for (let i = 0; i < 3; i++) assert.equal((await ask(proxy.port, '/')).headers['x-nth'], 'seven');
  await proxy.settled();
});
