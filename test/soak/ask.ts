/** One request of HTTP/1.1, with or without an agent, plain or through TLS. */
import { type Agent, request } from 'node:http';
import { type Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { TLSSocket } from 'node:tls';

import type { TlsPort } from './setting.ts';

export interface Ask {
  /** Default: 127.0.0.1. */
  readonly address?: string;
  /** Default: a connection of its own. */
  readonly agent?: Agent | TlsAgent;
  /** A kept connection that the server has just closed is none of its failures: it is asked once more, as browsers do. */
  readonly again?: boolean;
  readonly method?: string;
  /** Bytes of a body, sent in chunks. */
  readonly body?: number;
  /** Status; default: 200. */
  readonly expect?: number;
  /** Through TLS: who must be there. */
  readonly tls?: TlsPort;
  /** Of TLS: to be resumed; the answer rejects where it was not. */
  readonly session?: Buffer | undefined;
  /** Of TLS: each session that the server has given for later. */
  readonly onSession?: (session: Buffer) => void;
}

/** Resolves at the end of the expected answer; rejects when something else came of it. */
export async function ask(port: number, path: string, how: Ask): Promise<void> {
  try {
    await askOnce(port, path, how);
  } catch (error) {
    if (how.again !== true || !(error instanceof FoundClosed)) throw error;
    await askOnce(port, path, how);
  }
}

/** A kept connection was found closed. */
class FoundClosed extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

function askOnce(port: number, path: string, how: Ask): Promise<void> {
  return new Promise((resolve, reject) => {
    const { address = '127.0.0.1', method = 'GET', expect = 200, agent = false, tls, session, onSession } = how;
    const options = { host: address, port, path, method, agent, timeout: 10_000 };
    const outgoing =
      tls === undefined
        ? request(options)
        : tlsRequest({ ...options, ca: tls.ca, servername: tls.name, ...(session === undefined ? {} : { session }) });
    outgoing.once('response', (response) => {
      response.on('error', reject);
      // of an answer that nobody expected, its reason
      let body = '';
      const isExpected = response.statusCode === expect;
      response.on('end', () => {
        if (isExpected) resolve();
        else reject(new Error(`answered ${response.statusCode ?? 0}, expected ${expect}: ${body.trim()}`));
      });
      if (isExpected) response.resume();
      else response.setEncoding('latin1').on('data', (text: string) => (body = `${body}${text}`.slice(0, 200)));
    });
    if (onSession !== undefined) {
      outgoing.once('socket', (socket: TLSSocket) => {
        socket.on('session', onSession);
        socket.once('secureConnect', () => {
          if (session !== undefined && !socket.isSessionReused())
            outgoing.destroy(new Error('the session was not resumed'));
        });
      });
    }
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 10 s')));
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      reject(outgoing.reusedSocket && error.code === 'ECONNRESET' ? new FoundClosed(error) : error);
    });
    for (let left = how.body ?? 0; left > 0; left -= 5_000) outgoing.write(Buffer.alloc(Math.min(left, 5_000), 'b'));
    outgoing.end();
  });
}

/** The server breaks off: the client must see that, never a clean end. */
export async function mustBreak(asked: Promise<void>): Promise<void> {
  const isComplete = await asked.then(
    () => true,
    () => false,
  );
  if (isComplete) throw new Error('an answer that broke off arrived as complete');
}
