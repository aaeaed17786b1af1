import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import tls, { type TLSSocket } from 'node:tls';

import { makeAuthority } from '../../tls/fixture/authority.ts';
import { until } from './in-process.ts';
import type { HandleOwner, RawHandle } from './raw-handle.ts';
import { DIRECT } from './stream-state.ts';
import { TlsWriter } from './tls-writer.ts';

const { certificate, privateKey } = makeAuthority().issue({ names: ['localhost'] });

/** Whose handle it is, as far as a TlsWriter knows it. */
class Owner implements HandleOwner {
  readonly tls: TlsWriter;
  readonly faults: unknown[] = [];
  gone = false;
  pending = 0;
  timesDrained = 0;
  timesFailed = 0;
  /** Ends of writes that it was told of. */
  told = 0;

  constructor(socket: TLSSocket) {
    const handle = (socket as unknown as Record<'_handle', RawHandle>)['_handle'];
    this.tls = new TlsWriter(this, handle);
    const done = this.tls.done.bind(this.tls);
    this.tls.done = (status) => {
      this.told++;
      done(status);
    };
  }

  waits(): void {
    this.pending = 1;
  }

  drained(): void {
    this.timesDrained++;
  }

  writeFailed(): void {
    this.timesFailed++;
  }

  fail(error: unknown): void {
    this.faults.push(error);
  }
}

/** A connection whose one end is written to; the other one hears `got`. */
async function pair(t: TestContext) {
  const server = tls.createServer({ cert: certificate, key: privateKey });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = tls.connect({ port: (server.address() as AddressInfo).port, rejectUnauthorized: false });
  const [near] = (await once(server, 'secureConnection')) as [TLSSocket];
  for (const socket of [near, peer]) socket.on('error', () => {});
  const heard = { got: '' };
  peer.setEncoding('latin1').on('data', (text: string) => (heard.got += text));
  const owner = new Owner(near);
  t.after(() => {
    near.destroy();
    peer.destroy();
    server.close();
    assert.deepEqual(owner.faults, []);
  });
  return { near, peer, heard, owner, writer: owner.tls };
}

const bytes = (text: string) => Buffer.from(text, 'latin1');

describe('writing through TLS', { skip: !DIRECT && 'the public API writes' }, () => {
  test('one write a turn: each goes out, and nobody is told', async (t) => {
    const { writer, owner, heard } = await pair(t);
    for (let i = 0; i < 20; i++) {
      assert.equal(writer.write(bytes(`${i},`)), true);
      assert.equal(owner.pending, 0);
      await nextTurn();
      await nextTurn();
    }
    const all = `${[...Array(20).keys()].join(',')},`;
    await until(() => heard.got.length === all.length, 'not all of it comes');
    assert.equal(heard.got, all);
    assert.equal(owner.told, 0);
  });

  test('several in one turn go out in their order, and who wrote waits for the end of the first', async (t) => {
    const { writer, owner, heard } = await pair(t);
    for (const text of ['one ', 'two ', 'three']) assert.equal(writer.write(bytes(text)), true);
    assert.equal(owner.pending, 1);
    assert.equal(writer.queued, 9);
    await until(() => owner.timesDrained === 1, 'it is not told');
    assert.equal(owner.pending, 0);
    await until(() => heard.got === 'one two three', 'not all of it comes');
    assert.equal(writer.write(bytes('!')), true);
    await until(() => heard.got === 'one two three!', 'the next one does not come');
  });

  test('an act waits for the write before it, and for what was kept; without one it does not', async (t) => {
    const { writer } = await pair(t);
    const acts: string[] = [];
    writer.whenDone(() => acts.push('at once'));
    assert.deepEqual(acts, ['at once']);
    writer.write(bytes('one'));
    writer.write(bytes('two'));
    writer.whenDone(() => acts.push(`later, ${writer.queued} kept`));
    assert.equal(acts.length, 1);
    await until(() => acts.length === 2, 'it never happens');
    assert.deepEqual(acts, ['at once', 'later, 0 kept']);
    writer.whenDone(() => acts.push('at once'));
    assert.equal(acts.length, 3);
  });

  test('who writes a long part waits for its end, so that no other one is kept meanwhile', async (t) => {
    const { writer, owner, heard } = await pair(t);
    const part = 'x'.repeat(65_536);
    for (let i = 1; i <= 16; i++) {
      assert.equal(writer.write(bytes(part)), true);
      assert.equal(owner.pending, 1);
      assert.equal(writer.queued, 0);
      await until(() => owner.timesDrained === i, 'it is not told');
    }
    await until(() => heard.got.length === 16 * part.length, 'not all of it comes');
  });

  test('a peer that does not read is waited for', async (t) => {
    const { writer, owner, peer, heard } = await pair(t);
    peer.pause();
    const part = 'x'.repeat(60_000);
    let length = 0;
    // what the kernel takes is over some turns later
    for (let turns = 0; turns < 20; turns++) {
      if (owner.pending === 0) {
        assert.equal(writer.write(bytes(part)), true);
        length += part.length;
        turns = 0;
      }
      await nextTurn();
    }
    const before = owner.timesDrained;
    assert.equal(writer.write(bytes('end')), true);
    assert.equal(writer.queued, 3);
    peer.resume();
    await until(() => owner.timesDrained > before, 'it is not told');
    await until(() => heard.got.length === length + 3, 'not all of it comes');
    assert.ok(heard.got.endsWith('xend'));
  });

  test('a connection that is gone takes nothing, and what was kept for it has failed', async (t) => {
    const { writer, owner, near } = await pair(t);
    writer.write(bytes('one'));
    near.destroy();
    assert.equal(writer.write(bytes('two')), true);
    await until(() => owner.timesFailed === 1, 'it is not told');
    assert.equal(writer.write(bytes('three')), false);
  });

  test('of a connection that went away behind a write that nobody waited for, the next write tells', async (t) => {
    const { writer, owner, near } = await pair(t);
    writer.write(bytes('one'));
    near.destroy();
    await once(near, 'close');
    assert.equal(writer.write(bytes('two')), false);
    assert.equal(owner.told, 0);
  });
});
