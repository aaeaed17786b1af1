/** Bodies over HTTP/2: both ways at once, at the pace of whoever reads, and never an end that is none (99). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type http2 from 'node:http2';
import type net from 'node:net';
import { it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { answering, answerOf, connectTo, get, http2Stage, request, server } from './http2-stage.ts';
import { until } from './in-process.ts';

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

it('an answer begins before the request ends, and both go on', async (t) => {
  const port = await server(t, (socket) => {
    let begun = false;
    socket.on('data', (bytes: Buffer) => {
      if (!begun) socket.write(CHUNKED);
      begun = true;
      for (const word of ['one', 'two', 'three']) {
        if (bytes.includes(word)) socket.write(`${word.length}\r\n${word}\r\n`);
      }
      if (bytes.includes('0\r\n\r\n')) socket.write('0\r\nGrpc-Status: 0\r\n\r\n');
    });
  });
  const { proxy, session } = await http2Stage(t, { servers: [port] });
  const stream = request(session, { ':method': 'POST' });
  const answer = answerOf(stream);
  stream.write('x');
  await once(stream, 'response');
  for (const word of ['one', 'two', 'three']) {
    stream.write(word);
    const [bytes] = (await once(stream, 'data')) as [Buffer];
    assert.equal(bytes.toString(), word);
  }
  stream.end();
  const { code, trailers, body } = await answer;
  assert.deepEqual({ code, body, grpc: trailers['grpc-status'] }, { code: 0, body: 'onetwothree', grpc: '0' });
  session.close();
  await proxy.settled();
});

for (const [name, bytes, more] of [
  ['fewer bytes than announced', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', ''],
  ['chunks without a last one', `${CHUNKED}4\r\nhalf\r\n`, ''],
  ['a chunk that is malformed', `${CHUNKED}4\r\nhalf\r\n`, 'zz\r\n'],
] as const) {
  it(`99. ${name}: the stream is reset`, async (t) => {
    const port = await server(t, (socket) =>
      socket.once('data', () => {
        socket.write(bytes);
        setTimeout(() => socket.end(more), 100);
      }),
    );
    const { proxy, session, lines } = await http2Stage(t, { servers: [port] });
    const answer = await get(session);
    assert.equal(answer.code, 2);
    assert.equal(answer.body, 'half');
    await until(() => lines.length === 1, 'no line');
    assert.match(lines[0]!.flag, /truncated_answer|bad_answer/);
    // others on the connection do not notice
    assert.equal(session.destroyed, false);
    session.close();
    await proxy.settled();
  });
}

it('99. a server that resets in the middle', async (t) => {
  let socket: net.Socket | null = null;
  const port = await server(t, (accepted) => {
    socket = accepted;
    accepted.once('data', () => accepted.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'));
  });
  const { session } = await http2Stage(t, { servers: [port] });
  const stream = request(session);
  const answer = answerOf(stream);
  await once(stream, 'data');
  socket!.resetAndDestroy();
  assert.equal((await answer).code, 2);
});

it('100. the end of a connection ends an answer without a length', async (t) => {
  const port = await answering(t, 'HTTP/1.1 200 OK\r\n\r\nall of it', true);
  const { session } = await http2Stage(t, { servers: [port] });
  const { body, code } = await get(session);
  assert.deepEqual({ body, code }, { body: 'all of it', code: 0 });
});

it('94. an answer before the end of the request: it is whole, then the stream is reset without an error', async (t) => {
  const port = await answering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const { proxy, session, lines } = await http2Stage(t, { servers: [port] });
  const stream = request(session, { ':method': 'POST' });
  const answer = answerOf(stream);
  stream.write('part');
  const { status, body, code } = await answer;
  assert.deepEqual({ status, body, code }, { status: 200, body: 'ok', code: 0 });
  await until(() => lines.length === 1, 'no line');
  assert.equal(lines[0]!.flag, '');
  session.close();
  await proxy.settled();
});

it('a body that is too large is refused, also where the client goes on', async (t) => {
  const port = await answering(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  const { proxy, session } = await http2Stage(t, { servers: [port], limits: { bodyBytes: 10 } });
  const declared = request(session, { ':method': 'POST', 'content-length': '11' });
  declared.write('x');
  const first = await answerOf(declared);
  assert.equal(first.status, 413);
  assert.match(first.body, /body_too_large/);
  const stream = request(session, { ':method': 'POST' });
  stream.write('x'.repeat(11));
  assert.equal((await answerOf(stream)).status, 413);
  session.close();
  await proxy.settled();
});

it('a client that gives up', async (t) => {
  const left = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const port = await server(t, (socket) => {
    socket.once('data', () => arrived.resolve());
    socket.on('end', () => left.resolve());
  });
  const { proxy, session, lines } = await http2Stage(t, { servers: [port] });
  const stream = request(session);
  await arrived.promise;
  stream.close(8);
  await left.promise;
  await until(() => lines.length === 1, 'no line');
  assert.deepEqual({ flag: lines[0]!.flag, status: lines[0]!.status }, { flag: 'client_gone', status: 0 });
  session.close();
  await proxy.settled();
});

const MUCH = 256 << 20;

/** Writes as fast as it may; counts what was taken. */
function pour(socket: net.Socket, count: (bytes: number) => void): void {
  const piece = Buffer.alloc(1 << 16, 'x');
  let sent = 0;
  const go = () => {
    while (sent < MUCH && !socket.destroyed) {
      sent += piece.length;
      count(piece.length);
      if (!socket.write(piece)) {
        socket.once('drain', go);
        return;
      }
    }
  };
  go();
}

it('110. a client that does not read holds the server up; others on its connection are served', async (t) => {
  let sent = 0;
  const closed = Promise.withResolvers<void>();
  const port = await server(t, (socket) =>
    socket.on('data', (bytes: Buffer) => {
      if (!bytes.includes('/much')) {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        return;
      }
      socket.on('close', () => closed.resolve());
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${MUCH}\r\n\r\n`);
      pour(socket, (length) => (sent += length));
    }),
  );
  const { proxy, session, lines } = await http2Stage(t, { servers: [port], limits: { writeTimeout: 1000 } });
  const stream = request(session, { ':path': '/much' });
  stream.pause();
  await once(stream, 'response');
  assert.equal((await get(session)).body, 'ok');
  await closed.promise;
  // kernel buffers of one connection, a window, and what we hold
  assert.ok(sent < 20 << 20, `${sent} bytes were taken from the server`);
  stream.resume();
  await until(() => lines.some(({ flag }) => flag === 'write_timeout'), 'not given up');
  session.close();
  await proxy.settled();
});

it('a client that reads gets all of a long answer', async (t) => {
  const total = 24 << 20;
  const port = await server(t, (socket) =>
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);
      socket.write(Buffer.alloc(total, 'x'));
    }),
  );
  const { proxy, session } = await http2Stage(t, { servers: [port] });
  const answers = await Promise.all([0, 1, 2].map(() => get(session)));
  assert.deepEqual(
    answers.map(({ body }) => body.length),
    [total, total, total],
  );
  session.close();
  await proxy.settled();
});

/** Windows that leave it to the kernel how much is taken. */
const WIDE = 16 << 20;
const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const LONG = 3 << 20;

function ofLetters(t: TestContext): Promise<number> {
  return server(t, (socket) =>
    socket.on('data', (bytes: Buffer) => {
      const letter = /^GET \/(\w)/.exec(bytes.toString('latin1'))![1]!;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LONG}\r\n\r\n`);
      socket.write(Buffer.alloc(LONG, letter));
    }),
  );
}

async function wide(t: TestContext, port: number): Promise<http2.ClientHttp2Session> {
  const session = connectTo(t, port, { settings: { initialWindowSize: WIDE } });
  await once(session, 'connect');
  session.setLocalWindowSize(LETTERS.length * WIDE);
  return session;
}

it('long answers of many streams at once are each what its server has said', async (t) => {
  const { proxy, session: narrow } = await http2Stage(t, { servers: [await ofLetters(t)] });
  narrow.close();
  const session = await wide(t, proxy.port);
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(LETTERS.map((letter) => get(session, { ':path': `/${letter}` })));
    for (const [at, { code, body }] of answers.entries()) {
      assert.equal(code, 0);
      assert.ok(body === LETTERS[at]!.repeat(LONG), `${LETTERS[at]}: ${body.length} bytes`);
    }
  }
  session.close();
  await proxy.settled();
});

it('a client that goes away in the middle of many long answers leaves nothing', async (t) => {
  const { proxy, session: narrow } = await http2Stage(t, { servers: [await ofLetters(t)] });
  narrow.close();
  for (let round = 0; round < 10; round++) {
    const session = await wide(t, proxy.port);
    const streams = LETTERS.map((letter) => request(session, { ':path': `/${letter}` }));
    await Promise.all(streams.map((stream) => once(stream, 'data')));
    session.destroy();
  }
  await proxy.settled();
});

it('a server that does not read holds its client up; others on the connection are served', async (t) => {
  const held = Promise.withResolvers<net.Socket>();
  const port = await server(t, (socket) =>
    socket.once('data', (bytes: Buffer) => {
      if (bytes.includes('POST')) {
        socket.pause();
        held.resolve(socket);
      } else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    }),
  );
  const { proxy, session } = await http2Stage(t, { servers: [port] });
  const stream = request(session, { ':method': 'POST' });
  let taken = 0;
  const piece = Buffer.alloc(1 << 16);
  const go = () => {
    if (taken >= MUCH || stream.closed) return;
    stream.write(piece, () => {
      taken += piece.length;
      go();
    });
  };
  go();
  const socket = await held.promise;
  let last = -1;
  // until no more of it is taken
  await until(() => {
    const same = taken === last;
    last = taken;
    return same && taken > 0 && proxy.clients().some((client) => client.paused);
  }, 'it is never held up');
  assert.equal((await get(session)).body, 'ok');
  assert.ok(taken < 20 << 20, `${taken} bytes were taken from the client`);
  socket.resume();
  await until(() => taken > last, 'it does not go on');
  stream.close(8);
  session.close();
  await proxy.settled();
});

it('a server that reads again gets all of a body without a length, whatever its client had to wait for', async (t) => {
  let accepted: net.Socket | null = null;
  let bytes = 0;
  const port = await server(t, (socket) => {
    accepted = socket;
    socket.once('data', () => socket.pause());
    let last = '';
    socket.on('data', (part: Buffer) => {
      bytes += part.length;
      last = (last + part.toString('latin1')).slice(-5);
      if (last === '0\r\n\r\n') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone');
    });
  });
  const { proxy, session } = await http2Stage(t, { servers: [port] });
  const stream = request(session, { ':method': 'POST' });
  const answer = answerOf(stream);
  const body = Buffer.alloc(16 << 20, 'b');
  stream.end(body);
  await until(() => proxy.clients().some((client) => client.paused), 'it is never held up');
  // until the window is full of what nobody takes, in frames as large as they may be
  await sleep(300);
  accepted!.resume();
  const { code, body: said } = await answer;
  assert.deepEqual([code, said], [0, 'done']);
  assert.ok(bytes > body.length);
  session.close();
  await proxy.settled();
});

it('streams that end with their connection', async (t) => {
  const left = Promise.withResolvers<void>();
  const port = await server(t, (socket) => {
    socket.on('end', () => left.resolve());
    socket.once('data', () => socket.write(`${CHUNKED}4\r\nhalf\r\n`));
  });
  const { proxy, lines } = await http2Stage(t, { servers: [port] });
  const session = connectTo(t, proxy.port);
  const stream = request(session);
  await once(stream, 'data');
  session.socket.destroy();
  await left.promise;
  await until(() => lines.length === 1, 'no line');
  assert.equal(lines[0]!.flag, 'client_gone');
});
