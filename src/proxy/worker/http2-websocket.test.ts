/** WebSocket over HTTP/2 (RFC 8441): a stream becomes an upgraded connection to the server. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { it, type TestContext } from 'node:test';

import { answerOf, http2Stage, server } from './http2-stage.ts';
import { until } from './in-process.ts';

const acceptOf = (head: string): string =>
  createHash('sha1')
    .update(`${/sec-websocket-key: (.*)\r\n/i.exec(head)![1]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n';

/** A server that answers an upgrade with `answer`, and sends back what comes. */
async function echo(t: TestContext, answer: (head: string) => string) {
  const heads: string[] = [];
  const port = await server(t, (socket) => {
    socket.once('data', (bytes: Buffer) => {
      heads.push(bytes.toString('latin1'));
      socket.write(answer(heads[0]!));
      socket.on('data', (more: Buffer) => socket.write(more));
      socket.on('end', () => socket.end('bye'));
    });
  });
  return { heads, ...(await http2Stage(t, { servers: [port] })) };
}

async function open(session: ClientHttp2Session, protocol = 'websocket'): Promise<ClientHttp2Stream> {
  if (session.remoteSettings.enableConnectProtocol !== true) await once(session, 'remoteSettings');
  const stream = session.request(
    {
      ':method': 'CONNECT',
      ':protocol': protocol,
      ':scheme': 'http',
      ':authority': 'a.example',
      ':path': '/chat',
      'sec-websocket-version': '13',
      'sec-websocket-protocol': 'talk',
      'sec-websocket-key': 'not used',
    },
    { endStream: false },
  );
  stream.on('error', () => undefined);
  return stream;
}

it('bytes go both ways, and each side may end', async (t) => {
  const { heads, session, proxy, lines } = await echo(
    t,
    (head) => `${SWITCH}Sec-WebSocket-Accept: ${acceptOf(head)}\r\nSec-WebSocket-Protocol: talk\r\n\r\nhello`,
  );
  const stream = await open(session);
  const [headers] = (await once(stream, 'response')) as [Record<string, string>];
  assert.equal(headers[':status'], 200);
  assert.equal(headers['sec-websocket-protocol'], 'talk');
  assert.equal(headers['sec-websocket-accept'], undefined);
  assert.match(heads[0]!, /^GET \/chat HTTP\/1\.1\r\n/);
  assert.match(heads[0]!, /Connection: Upgrade\r\nUpgrade: websocket\r\n/i);
  assert.match(heads[0]!, /sec-websocket-version: 13\r\n/);
  assert.equal(heads[0]!.includes('not used'), false);
  let text = '';
  stream.on('data', (bytes: Buffer) => (text += bytes.toString()));
  await until(() => text === 'hello', 'what came with the 101 is missing');
  stream.write('ping');
  await until(() => text === 'helloping', text);
  stream.end();
  await once(stream, 'close');
  assert.equal(text, 'hellopingbye');
  assert.equal(stream.rstCode, 0);
  await until(() => lines.length === 1, 'no line');
  assert.deepEqual({ status: lines[0]!.status, flag: lines[0]!.flag }, { status: 101, flag: '' });
  session.close();
  await proxy.settled();
});

it('83. what is sent before the answer is held, and belongs to no request', async (t) => {
  const heads: string[] = [];
  const port = await server(t, (socket) => {
    socket.once('data', (bytes: Buffer) => {
      heads.push(bytes.toString('latin1'));
      socket.on('data', (more: Buffer) => heads.push(more.toString('latin1')));
      setTimeout(() => socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'), 100);
    });
  });
  const { session, proxy } = await http2Stage(t, { servers: [port] });
  const stream = await open(session);
  stream.write('GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n');
  const answer = await answerOf(stream);
  assert.deepEqual({ status: answer.status, body: answer.body }, { status: 403, body: 'no' });
  assert.equal(heads.join('').includes('smuggled'), false);
  session.close();
  await proxy.settled();
});

for (const [name, answer] of [
  ['84. a wrong Sec-WebSocket-Accept', () => `${SWITCH}Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n`],
  ['84. no Sec-WebSocket-Accept', () => `${SWITCH}\r\n`],
  ['a 200 that is no 101', () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
] as const) {
  it(`${name}: no tunnel`, async (t) => {
    const { session, proxy, lines } = await echo(t, answer);
    const { status, code } = await answerOf(await open(session));
    assert.deepEqual({ status, code }, { status: 0, code: 2 });
    await until(() => lines.length === 1, 'no line');
    assert.equal(lines[0]!.flag, 'bad_answer');
    session.close();
    await proxy.settled();
  });
}

it('another protocol is not served', async (t) => {
  const { session, heads } = await echo(t, () => '');
  const { status } = await answerOf(await open(session, 'connect-udp'));
  assert.equal(status, 501);
  assert.equal(heads.length, 0);
});

it('a tunnel that its server breaks', async (t) => {
  const port = await server(t, (socket) =>
    socket.once('data', (bytes: Buffer) => {
      socket.write(`${SWITCH}Sec-WebSocket-Accept: ${acceptOf(bytes.toString('latin1'))}\r\n\r\n`);
      socket.once('data', () => socket.resetAndDestroy());
    }),
  );
  const { session, proxy } = await http2Stage(t, { servers: [port] });
  const stream = await open(session);
  await once(stream, 'response');
  stream.write('x');
  assert.equal((await answerOf(stream)).code, 2);
  session.close();
  await proxy.settled();
});
