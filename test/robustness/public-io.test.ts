/** The cases about connections, endings and bodies once more, with Node's public socket API instead of its handles. */
import { test } from 'node:test';

import { rerun } from './rerun.ts';

const FILES = ['e-connection', 'e-upgrade', 'f-expect', 'g-framing', 'bodies', 'h-http2', 'h-http2-floods'];

test('the data path over the public socket API', { timeout: 90_000 }, () => rerun(FILES, { TCPVS_IO: 'public' }));
