import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { AdminClient, AdminError } from './admin-client.ts';

/** Something on the socket that answers every connection with these bytes and closes it. */
async function withServer(bytes: string, use: (socket: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'admin-client-'));
  const socket = join(directory, 's.sock');
  const server: Server = createServer((connection) => {
    connection.on('error', () => undefined);
    connection.once('data', () => connection.end(bytes));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  try {
    await use(socket);
  } finally {
    await new Promise((resolve) => server.close(resolve));
    await rm(directory, { recursive: true });
  }
}

const answer = (status: string, body: string) =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;

for (const [what, bytes, status, message] of [
  ['no HTTP', 'SSH-2.0-x\r\n', 0, /^the tcpvs server does not answer \(Parse Error.*\) at \/.*s\.sock$/],
  ['nothing', '', 0, /^the tcpvs server does not answer \(socket hang up\) at /],
  ['another server', answer('200 OK', '<html>'), 0, /^what answers at \/.*s\.sock is not a tcpvs server$/],
  ['other JSON', answer('200 OK', '{"objects": 1}'), 0, /is not a tcpvs server$/],
  ['null', answer('200 OK', 'null'), 0, /is not a tcpvs server$/],
  ['a truncated answer', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"re', 0, /does not answer \(aborted\)/],
  ['an error', answer('503 Unavailable', '{"error":"not ready"}'), 503, /^not ready$/],
  ['an error without words', answer('500 Oops', '{}'), 500, /^GET \/v1\/objects: status 500$/],
] as const) {
  test(`the socket answers ${what}`, () =>
    withServer(bytes, async (socket) => {
      await assert.rejects(new AdminClient(socket).objects(), (error) => {
        assert.ok(error instanceof AdminError);
        assert.match(error.message, message);
        assert.equal(error.status, status);
        return true;
      });
    }));
}

test('a socket that nobody listens on any more', () =>
  withServer('', async (socket) => {
    await assert.rejects(new AdminClient(`${socket}.nosuch`).counts(), /no tcpvs server: there is no socket at/);
  }));
