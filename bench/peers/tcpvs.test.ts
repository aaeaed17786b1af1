import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { freePort } from '../../src/cli/demo-ports.ts';
import { startTcpvs } from './tcpvs.ts';

/** Field 6 of /proc/PID/stat. */
function sessionOf(pid: number): string | undefined {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[3];
}

test(
  'tcpvs is measured in the session that the other peers are in',
  { skip: process.platform !== 'linux' },
  async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'tcpvs-peer-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const running = await startTcpvs({
      directory,
      port: await freePort(),
      servers: [await freePort()],
      speaksH2c: false,
      hosts: [{ name: null, apps: ['web'] }],
      workers: 1,
      bodyBuffer: null,
      tls: null,
      http2: false,
      environment: {},
      program: null,
    });
    t.after(() => running.stop());
    assert.equal(sessionOf(running.pid), sessionOf(process.pid));
  },
);
