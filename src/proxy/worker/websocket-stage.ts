/** For the tests of tunnels: clients that ask for a WebSocket, by HTTP/1.1 and by HTTP/2, and what comes of it. */
import { once } from 'node:events';
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';

import { AccessLog, type AccessRecord } from './access-log.ts';
import { connectTo } from './http2-stage.ts';

/** RFC 6455 §1.3 */
export const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
export const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

/** The head of a request for an upgrade; `lines`: further fields, each with its CRLF. */
export const upgradeHead = (path = '/chat', lines = `Sec-WebSocket-Key: ${KEY}\r\n`): string =>
  `GET ${path} HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\n${lines}\r\n`;

/** How clients come to the proxy. */
export const CLIENTS = ['HTTP/1.1', 'HTTP/2'] as const;
export type By = (typeof CLIENTS)[number];

/** What a client has got for its request. */
export interface Opened {
  /** 101 by HTTP/1.1, 200 by HTTP/2, where the tunnel is open. */
  readonly status: number;
  /** Names in lower case. */
  readonly fields: Readonly<Record<string, string>>;
  /** What comes behind the head. */
  readonly stream: Duplex;
}

export const isOpen = ({ status }: Opened, by: By): boolean => status === (by === 'HTTP/2' ? 200 : 101);

export async function open(t: TestContext, by: By, port: number, path = '/chat'): Promise<Opened> {
  return by === 'HTTP/1.1' ? await openByUpgrade(t, port, upgradeHead(path)) : await openByConnect(t, port, path);
}

/** `text`: a whole head, and what is sent behind it at once. */
export async function openByUpgrade(t: TestContext, port: number, text: string): Promise<Opened> {
  const stream = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  stream.on('error', () => {});
  t.after(() => stream.destroy());
  stream.write(text, 'latin1');
  let got = Buffer.alloc(0);
  await new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer) => {
      got = Buffer.concat([got, chunk]);
      if (!got.includes('\r\n\r\n')) return;
      stream.pause();
      stream.off('data', take);
      resolve();
    };
    stream.on('data', take);
    stream.once('close', () => reject(new Error(`no head: ${got.toString('latin1')}`)));
  });
  const end = got.indexOf('\r\n\r\n') + 4;
  if (end < got.length) stream.unshift(got.subarray(end));
  const [line, ...lines] = got.toString('latin1', 0, end - 4).split('\r\n');
  const pairs = lines.map((each) => [each.slice(0, each.indexOf(':')).toLowerCase(), each.replace(/^[^:]*: */, '')]);
  return { status: Number(line!.split(' ')[1]), fields: Object.fromEntries(pairs) as Record<string, string>, stream };
}

export async function openByConnect(t: TestContext, port: number, path = '/chat'): Promise<Opened> {
  const session = connectTo(t, port);
  const stream = await askForTunnel(session, path);
  stream.on('close', () => session.close());
  const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  const { ':status': status, ...fields } = headers;
  return { status: Number(status), fields: fields as Record<string, string>, stream };
}

export async function askForTunnel(
  session: ClientHttp2Session,
  path = '/chat',
  authority = 'a.example',
): Promise<ClientHttp2Stream> {
  if (session.remoteSettings.enableConnectProtocol !== true) await once(session, 'remoteSettings');
  const stream = session.request(
    {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'http',
      ':authority': authority,
      ':path': path,
      'sec-websocket-version': '13',
    },
    { endStream: false },
  );
  stream.on('error', () => {});
  return stream;
}

/** What is there of it now, and what will be; `ended`: by an end, `broken`: by a reset. */
export function reading(stream: Duplex): { text: string; length: number; ended: boolean; broken: boolean } {
  // where nothing comes before it, an end does not wait for anybody to read on
  const got = { text: '', length: 0, ended: stream.readableEnded, broken: false };
  stream.on('data', (chunk: Buffer) => {
    got.length += chunk.length;
    if (got.length < 100_000) got.text += chunk.toString('latin1');
  });
  stream.on('end', () => (got.ended = !(stream as Partial<ClientHttp2Stream>).rstCode));
  stream.on('error', () => (got.broken = true));
  stream.on('close', () => (got.broken ||= !got.ended));
  stream.resume();
  return got;
}

/** The client is gone, and says so. */
export function breakOff(stream: Duplex): void {
  if (stream instanceof net.Socket) stream.resetAndDestroy();
  else (stream as ClientHttp2Stream).close(http2.constants.NGHTTP2_CANCEL);
}

/** An access log of every request, and its lines so far. */
export function wholeLog(): { accessLog: AccessLog; lines: AccessRecord[] } {
  const lines: AccessRecord[] = [];
  const accessLog = new AccessLog(1, (text) => {
    for (const line of text.trim().split('\n')) lines.push(JSON.parse(line) as AccessRecord);
  });
  return { accessLog, lines };
}
