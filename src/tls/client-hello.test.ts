import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';

import fc from 'fast-check';

import { BAD_HELLO, INCOMPLETE, MAX_HELLO, readHello } from './client-hello.ts';

/** What a real client begins with. */
async function helloOf(options: tls.ConnectionOptions): Promise<Buffer> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = tls.connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', ...options });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  const chunks: Buffer[] = [];
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer);
    if (readHello(Buffer.concat(chunks), Buffer.concat(chunks).length) !== INCOMPLETE) break;
  }
  client.destroy();
  server.close();
  return Buffer.concat(chunks);
}

const read = (bytes: Uint8Array) => readHello(bytes, bytes.length);

/** The same message over records of `size` bytes. */
function fragmented(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part);
  }
  return Buffer.concat(records);
}

/** A message with exactly these extensions. */
function made(extensions: Buffer<ArrayBuffer> | null, padding = 0): Buffer {
  const fields = [Buffer.from([3, 3]), Buffer.alloc(32), Buffer.from([0, 0, 2, 0x13, 1, 1, 0])];
  if (extensions !== null) {
    const padded = padding === 0 ? extensions : Buffer.concat([extensions, extension(21, Buffer.alloc(padding))]);
    fields.push(Buffer.from([padded.length >> 8, padded.length & 255]), padded);
  }
  const body = Buffer.concat(fields);
  const message = Buffer.concat([Buffer.from([1, 0, body.length >> 8, body.length & 255]), body]);
  return fragmented(Buffer.concat([Buffer.alloc(5), message]), 16_384);
}

function extension(type: number, data: Buffer): Buffer<ArrayBuffer> {
  return Buffer.concat([Buffer.from([type >> 8, type & 255, data.length >> 8, data.length & 255]), data]);
}

function names(...all: string[]): Buffer<ArrayBuffer> {
  const list = all.map((name) => {
    const bytes = Buffer.from(name, 'latin1');
    return Buffer.concat([Buffer.from([0, bytes.length >> 8, bytes.length & 255]), bytes]);
  });
  const joined = Buffer.concat(list);
  return extension(0, Buffer.concat([Buffer.from([joined.length >> 8, joined.length & 255]), joined]));
}

test('the hello of a real client, whole and in every part', async () => {
  const hello = await helloOf({ servername: 'Shop.Example' });
  assert.deepEqual(read(hello), { serverName: 'shop.example' });
  for (let length = 0; length < hello.length; length++) assert.equal(readHello(hello, length), INCOMPLETE);
  // behind it there may be anything
  assert.deepEqual(read(Buffer.concat([hello, Buffer.from('\0rest')])), { serverName: 'shop.example' });
  assert.deepEqual(read(await helloOf({})), { serverName: '' });
  assert.deepEqual(read(await helloOf({ maxVersion: 'TLSv1.2', servername: 'a.example' })), {
    serverName: 'a.example',
  });
});

test('a message over many records, each record over many reads', async () => {
  const hello = await helloOf({ servername: 'shop.example' });
  for (const size of [1, 2, 3, 4, 5, 64, 500]) {
    const bytes = fragmented(hello, size);
    assert.deepEqual(read(bytes), { serverName: 'shop.example' }, `records of ${size}`);
    for (let length = 0; length < bytes.length; length++)
      assert.equal(readHello(bytes, length), INCOMPLETE, `${length} bytes of records of ${size}`);
  }
});

test('names', () => {
  assert.deepEqual(read(made(names('a.example.'))), { serverName: 'a.example' });
  assert.deepEqual(read(made(names('under_score.example'))), { serverName: 'under_score.example' });
  assert.deepEqual(read(made(null)), { serverName: '' });
  assert.deepEqual(read(made(Buffer.alloc(0))), { serverName: '' });
  const wrong = ['', '.', 'a..b', '.a', 'a\0.example', 'a b', 'ä.example', 'a/b', '*.example', 'x'.repeat(254)];
  for (const name of wrong) assert.equal(read(made(names(name))), BAD_HELLO.malformed, JSON.stringify(name));
  assert.equal(read(made(names('a.example', 'b.example'))), BAD_HELLO.malformed);
  assert.equal(read(made(Buffer.concat([names('a.example'), names('a.example')]))), BAD_HELLO.malformed);
});

test('sizes', () => {
  const largest = made(names('a.example'), 16_000);
  assert.deepEqual(read(largest), { serverName: 'a.example' });
  assert.deepEqual(read(fragmented(largest, 100)), { serverName: 'a.example' });
  const tooLarge = MAX_HELLO - 4 + 1;
  const header = Buffer.from([22, 3, 1, 0x40, 0, 1, 0, tooLarge >> 8, tooLarge & 255]);
  assert.equal(read(header), BAD_HELLO.tooLarge, 'refused as soon as it says so');
  const part = Buffer.from([22, 3, 1, 0, 2, 1, 0]);
  assert.equal(read(Buffer.concat([part, Buffer.from([22, 3, 1, 0, 2, 0xff, 0xff])])), BAD_HELLO.tooLarge);
});

test('what is not TLS', () => {
  assert.equal(read(Buffer.from('GET / HTTP/1.1\r\n\r\n')), BAD_HELLO.plainHttp);
  assert.equal(read(Buffer.from('\0\0\0\0')), BAD_HELLO.malformed);
  assert.equal(read(Buffer.from([22, 2])), BAD_HELLO.malformed);
  assert.equal(read(Buffer.from([22, 3, 9])), BAD_HELLO.malformed);
  assert.equal(read(Buffer.from([22, 3, 1, 0, 0])), BAD_HELLO.malformed, 'an empty record');
  assert.equal(read(Buffer.from([22, 3, 1, 0xff, 0xff])), BAD_HELLO.malformed, 'a record that is too long');
  assert.equal(read(Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])), BAD_HELLO.malformed, 'another message');
  assert.equal(read(Buffer.from([21, 3, 1, 0, 2, 2, 40])), BAD_HELLO.malformed, 'an alert');
});

test('any bytes are judged without an error, and a verdict stands whatever follows', () => {
  const hello = made(Buffer.concat([names('a.example'), extension(43, Buffer.from([2, 3, 4]))]));
  const changes = fc.array(fc.tuple(fc.nat(hello.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 4 });
  fc.assert(
    fc.property(changes, fc.uint8Array({ maxLength: 64 }), (edits, tail) => {
      const bytes = Buffer.from(hello);
      for (const [at, value] of edits) bytes[at] = value;
      const whole = Buffer.concat([bytes, tail]);
      let verdict: ReturnType<typeof readHello> = INCOMPLETE;
      for (let length = 0; length <= whole.length; length++) {
        const now = readHello(whole, length);
        if (verdict === INCOMPLETE) verdict = now;
        else assert.deepEqual(now, verdict);
      }
    }),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const verdict = read(bytes);
      assert.ok(typeof verdict === 'number' ? verdict <= 0 : verdict.serverName.length < 254);
    }),
    { numRuns: 1000 },
  );
});
