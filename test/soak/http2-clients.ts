/** Clients of HTTP/2: streams that are answered, broken off by either side, or carry a WebSocket. */
import { constants, type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2';

import { connectHttp2 } from './http2-sessions.ts';
import type { TlsPort } from './setting.ts';

/** Milliseconds that the answer to `?how=slow` takes, rounded down. */
const SLOW_ANSWER = 450;

export interface Http2Ask {
  /** Bytes of a body. */
  readonly body?: number;
  /** Status; default: 200. */
  readonly expect?: number;
}

/** Resolves at the end of the expected answer; rejects when something else came of it. */
export function stream(session: ClientHttp2Session, path: string, how: Http2Ask): Promise<void> {
  const { expect = 200, body = 0 } = how;
  const fields = { ':path': path, ':method': body > 0 ? 'POST' : 'GET' };
  return onStream(session, fields, body === 0, (outgoing, through, fail) => {
    let status = 0;
    let reason = '';
    outgoing.once('response', (answer) => (status = answer[':status'] ?? 0));
    outgoing.on('data', (bytes: Buffer) => {
      if (status !== expect) reason = `${reason}${bytes.toString('latin1')}`.slice(0, 200);
    });
    outgoing.once('end', () => {
      // A reset ends it as well: 'error', or a code, tells.
      if (outgoing.rstCode !== constants.NGHTTP2_NO_ERROR) fail(`reset with code ${outgoing.rstCode}`);
      else if (status === expect) through();
      else fail(`answered ${status}, expected ${expect}: ${reason.trim()}`);
    });
    for (let left = body; left > 0; left -= 5_000) outgoing.write(Buffer.alloc(Math.min(left, 5_000), 'b'));
    if (body > 0) outgoing.end();
  });
}

/** Asks, and takes that back before the answer. The session stays. */
export function reset(session: ClientHttp2Session, path: string): Promise<void> {
  return onStream(session, { ':path': path }, true, (outgoing, through, fail) => {
    const begin = performance.now();
    // Where this process gets no processor for as long as the answer takes, that comes before our own timer.
    outgoing.once('response', () =>
      performance.now() - begin < SLOW_ANSWER ? fail('answered before it was taken back') : through(),
    );
    // A session that was closed meanwhile, since it has had its streams, ends with the last of them.
    outgoing.once('close', () =>
      session.destroyed && !session.closed ? fail('its session has ended with it') : through(),
    );
    outgoing.resume();
    setTimeout(() => outgoing.close(constants.NGHTTP2_CANCEL), 50);
  });
}

/** A session of its own: a stream is answered, another one waits for its answer when the whole connection goes. */
export async function goneWithSession(port: number, path: string, slowPath: string, tls: TlsPort): Promise<void> {
  const session = await connectHttp2(port, tls);
  try {
    const waiting = stream(session, slowPath, {}).then(
      () => true,
      () => false,
    );
    await stream(session, path, {});
    session.destroy();
    if (await waiting) throw new Error('answered on a connection that was gone');
  } finally {
    session.destroy();
  }
}

/** Extended CONNECT (RFC 8441): talks to the server through a tunnel, and leaves. */
export function webSocket(session: ClientHttp2Session, path: string): Promise<void> {
  const said = 'no frames of WebSocket, but bytes both ways';
  const fields = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': path, 'sec-websocket-version': '13' };
  return onStream(session, fields, false, (outgoing, through, fail) => {
    let heard = '';
    outgoing.once('response', ({ ':status': status = 0 }) => {
      if (status === 200) outgoing.write(said);
      else fail(`answered ${status}`);
    });
    outgoing.on('data', (bytes: Buffer) => {
      heard += bytes.toString('latin1');
      if (heard !== said) return;
      outgoing.end();
      through();
    });
    outgoing.once('end', () => fail('closed before the echo'));
  });
}

function onStream(
  session: ClientHttp2Session,
  fields: OutgoingHttpHeaders,
  endStream: boolean,
  act: (stream: ClientHttp2Stream, through: () => void, fail: (why: string) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = session.request(fields, { endStream });
    const timer = setTimeout(() => fail('not through within 10 s'), 10_000);
    const through = () => {
      clearTimeout(timer);
      resolve();
    };
    const fail = (why: string) => {
      clearTimeout(timer);
      if (!outgoing.closed) outgoing.close(constants.NGHTTP2_CANCEL);
      reject(new Error(why));
    };
    act(outgoing, through, fail);
    outgoing.on('error', (error) => fail(error.message));
    // after all others: what has been settled stays so
    outgoing.once('close', () => fail('closed before its end'));
  });
}
