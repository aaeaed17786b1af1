import assert from 'node:assert/strict';
import { test } from 'node:test';

import { defaultSocketPath, socketPath } from './socket-path.ts';

test('the default socket is root’s, or the user’s own', () => {
  assert.equal(defaultSocketPath({ XDG_RUNTIME_DIR: '/run/user/7' }, 0), '/run/tcpvs/admin.sock');
  assert.equal(defaultSocketPath({ XDG_RUNTIME_DIR: '/run/user/7' }, 7), '/run/user/7/tcpvs/admin.sock');
  for (const environment of [{}, { XDG_RUNTIME_DIR: '' }, { XDG_RUNTIME_DIR: 'relative' }]) {
    assert.equal(defaultSocketPath(environment, 7), '/tmp/tcpvs-7/admin.sock');
  }
});

test('the command line goes before the environment, and that before the default', () => {
  assert.equal(socketPath('/a', { TCPVS_SOCKET: '/b' }), '/a');
  assert.equal(socketPath(undefined, { TCPVS_SOCKET: '/b' }), '/b');
  assert.equal(socketPath(undefined, { TCPVS_SOCKET: '' }), defaultSocketPath({}));
});
