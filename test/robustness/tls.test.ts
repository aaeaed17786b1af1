/** Cases of all kinds once more, with clients that speak TLS. */
import { test } from 'node:test';

import { rerun } from './rerun.ts';

const FILES = [
  'a-framing',
  'b-chunked',
  'c-lines',
  'e-connection',
  'e-upgrade',
  'f-expect',
  'g-framing',
  'bodies',
  'h-http2',
  'h-http2-floods',
];

test('the data path through TLS', { timeout: 300_000 }, () => rerun(FILES, { ROBUSTNESS_TLS: '1' }));
