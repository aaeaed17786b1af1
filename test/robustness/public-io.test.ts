/** The cases about connections, endings and bodies once more, with Node's public socket API instead of its handles. */
import { test } from 'node:test';

import { rerun } from './rerun.ts';

const FILES = ['e-connection', 'e-upgrade', 'f-expect', 'g-framing', 'bodies', 'h-http2', 'h-http2-floods'];
/** And what is about HTTP/2 inside of a worker. */
const WORKER = ['http2', 'http2-bodies', 'http2-connection', 'http2-tls', 'http2-websocket'];

test('the data path over the public socket API', { timeout: 300_000 }, () =>
  rerun([...FILES, ...WORKER.map((name) => `../../src/proxy/worker/${name}`)], { TCPVS_IO: 'public' }),
);
