import assert from 'node:assert/strict';
import { it } from 'node:test';

import { parseResponse, ResponseHead } from '../http/parse-response.ts';
import { answerFields, fieldObject, trailerFields } from './answer-fields.ts';

it('fields go on in their order, but those of the connection', () => {
  const text =
    'HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nConnection: x-gone\r\nX-Gone: 1\r\nTransfer-Encoding: chunked\r\nSet-Cookie:b\r\n\r\n';
  const bytes = Buffer.from(`${text}\0`, 'latin1');
  const head = new ResponseHead();
  assert.equal(parseResponse(head, bytes, 0, text.length), text.length);
  const list = answerFields(head, 200);
  assert.deepEqual(list, [':status', '200', 'set-cookie', 'a', 'set-cookie', 'b']);
  assert.deepEqual(Object.entries(fieldObject(list)), [
    [':status', '200'],
    ['set-cookie', ['a', 'b']],
  ]);
});

it('trailers, also those that are named as every object is', () => {
  const fields = trailerFields(Buffer.from('__proto__: a\r\nX-A:b\r\nx-a: c\r\n'));
  assert.deepEqual(Object.entries(fields), [
    ['__proto__', 'a'],
    ['x-a', ['b', 'c']],
  ]);
});
