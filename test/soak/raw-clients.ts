/** Clients that write their own bytes: they go away, are slow, talk through a tunnel, or speak no HTTP at all. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import type { TlsPort } from './setting.ts';

/** Milliseconds for each byte of a slow client. */
const BYTE = 10;

/** Asks, and goes away before the answer. */
export function gone(port: number, path: string): Promise<void> {
  return raw(port, undefined, (socket, through) => {
    socket.write(`GET ${path} HTTP/1.1\r\nHost: soak\r\n\r\n`);
    setTimeout(() => {
      socket.destroy();
      through();
    }, 50);
  });
}

/** Says its request byte by byte, and reads the answer all the same. */
export function slow(port: number, path: string): Promise<void> {
  return raw(port, undefined, (socket, through, fail) => {
    const text = `GET ${path} HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n`;
    const begin = performance.now();
    let at = 0;
    const timer = setInterval(() => {
      // what is due by now: where this process gets no processor for a while, its clients are not slower for it
      const due = Math.max(at + 1, Math.floor((performance.now() - begin) / BYTE));
      socket.write(text.slice(at, due));
      at = due;
      if (at >= text.length) clearInterval(timer);
    }, BYTE);
    socket.once('data', (bytes) => (bytes.toString('latin1').startsWith('HTTP/1.1 200') ? through() : fail('not 200')));
    socket.once('close', () => {
      clearInterval(timer);
      fail('closed without an answer');
    });
  });
}

/** Talks to the server through a tunnel, and leaves. */
export function upgrade(port: number, path: string, tls?: TlsPort): Promise<void> {
  return raw(port, tls, (socket, through, fail) => {
    const said = 'no frames of WebSocket, but bytes both ways';
    let heard = '';
    socket.on('data', (bytes) => {
      if (heard === '') socket.write(said);
      heard += bytes.toString('latin1');
      if (!heard.startsWith('HTTP/1.1 101 ')) fail(`answered ${heard.slice(0, 12)}`);
      else if (heard.endsWith(said)) through();
    });
    socket.once('close', () => fail('closed before the echo'));
    const fields = 'Host: soak\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
    const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    socket.write(`GET ${path} HTTP/1.1\r\n${fields}${key}\r\n`);
  });
}

/** No HTTP at all: answered 400 or closed, at once. */
export function garbage(port: number): Promise<void> {
  return raw(port, undefined, (socket, through, fail) => {
    socket.write('\u0016\u0003\u0001 no such thing\r\n\r\n');
    socket.on('data', (bytes) => {
      const line = bytes.toString('latin1').slice(0, 12);
      if (line.startsWith('HTTP/1.1 2')) fail(`answered ${line}`);
    });
    socket.once('close', through);
  });
}

function raw(
  port: number,
  tls: TlsPort | undefined,
  act: (socket: Socket, through: () => void, fail: (why: string) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket =
      tls === undefined
        ? connect(port, '127.0.0.1')
        : connectTls({ host: '127.0.0.1', port, ca: tls.ca, servername: tls.name, ALPNProtocols: ['http/1.1'] });
    const end = (then: () => void) => {
      clearTimeout(timer);
      socket.destroy();
      then();
    };
    const fail = (why: string) => end(() => reject(new Error(why)));
    const timer = setTimeout(() => fail('not through within 10 s'), 10_000);
    let connected = false;
    // A reset later on shows as 'close' to the client, who knows whether that is in order.
    socket.on('error', (error) => (connected ? undefined : fail(error.message)));
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      connected = true;
      act(socket, () => end(resolve), fail);
    });
  });
}
