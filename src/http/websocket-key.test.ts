import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';

import { websocketKey } from './websocket-key.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const keyIn = (...lines: string[]) =>
  websocketKey(Buffer.from(`GET / HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\nbehind\r\n`, 'latin1'));

test('wherever it stands, and however it is written', () => {
  assert.equal(keyIn(`Sec-WebSocket-Key: ${KEY}`), KEY);
  assert.equal(keyIn('Host: a', `sec-websocket-key:\t ${KEY} \t`, 'X: y'), KEY);
  for (let i = 0; i < 100; i++) {
    const key = randomBytes(16).toString('base64');
    assert.equal(keyIn('Host: a', `SEC-WEBSOCKET-KEY:${key}`), key);
  }
});

test('none that is one', () => {
  assert.equal(keyIn(), '');
  assert.equal(keyIn('Host: a', 'Sec-WebSocket-Keys: x', `X-Sec-WebSocket-Key: ${KEY}`), '');
  assert.equal(keyIn('Host: a') + websocketKey(Buffer.from(`GET / HTTP/1.1\r\n\r\nSec-WebSocket-Key: ${KEY}\r\n`)), '');
  for (const value of ['', 'x', KEY.slice(1), `${KEY} ${KEY}`, KEY.replace('Q==', 'R=='), `${KEY}=`, `${KEY},`])
    assert.equal(keyIn(`Sec-WebSocket-Key: ${value}`), '', value);
  assert.equal(keyIn(`Sec-WebSocket-Key: ${KEY}`, `Sec-WebSocket-Key: ${KEY}`), '');
  assert.equal(keyIn(`Sec-WebSocket-Key: ${'A'.repeat(200_000)}`), '');
});
