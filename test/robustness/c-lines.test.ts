/** C. Lines and fields, client → proxy: cases 38–54. RFC 9112 §2.2, §3, §5. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { valuesOf } from './checker.ts';
import { FIN, RST } from './steps.ts';
import { assertRefusal, either, forwarded, refused, request, show, suite, SMUGGLED, NEXT, type Case } from './suite.ts';

const raw = (text: string) => text + SMUGGLED;
const host = 'Host: a.example\r\n';
const hex = (byte: number) => `0x${byte.toString(16).padStart(2, '0')}`;
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

const ends: Case[] = [
  refused('38. bare LF after the request line → 400', raw(`GET /a HTTP/1.1\n${host}\r\n`), [400]),
  refused('38. bare LF after a field → 400', raw('GET /a HTTP/1.1\r\nHost: a.example\n\r\n'), [400]),
  refused('38. bare LF at the end → 400', raw(`GET /a HTTP/1.1\r\n${host}\n`), [400]),
  refused('38. bare LF throughout → 400', raw('GET /a HTTP/1.1\nHost: a.example\n\n'), [400]),
  refused('38. LF hides a field → 400', raw(`GET /a HTTP/1.1\r\n${host}X: y\nContent-Length: 5\r\n\r\n`), [400]),
  refused('39. bare CR after the request line → 400', raw(`GET /a HTTP/1.1\r${host}\r\n`), [400]),
  refused('39. bare CR in a value → 400', raw(request('GET', '/a', 'X: a\rb\r\n')), [400]),
  refused('39. CR CR LF → 400', raw(request('GET', '/a', 'X: a\r\r\n')), [400]),
  refused('39. bare CR in a name → 400', raw(request('GET', '/a', 'X\ry: a\r\n')), [400]),
  refused('39. CR hides a field → 400', raw(request('GET', '/a', 'X: y\rTransfer-Encoding: chunked\r\n')), [400]),
  refused('39. bare CR in the target → 400', raw(`GET /a\rb HTTP/1.1\r\n${host}\r\n`), [400]),
  refused('39. CRs alone → 400', 'GET /a HTTP/1.1\rHost: a.example\r\rGET /smuggled HTTP/1.1\r\r', [400]),
  refused('40. head ends with CR LF CR X → 400', `GET /a HTTP/1.1\r\n${host}\rX${SMUGGLED}`, [400]),
  refused(
    '40. the same with a request behind → 400',
    `POST /a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\rABC\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    [400],
  ),
  refused('41. obs-fold by SP → 400', raw(request('GET', '/a', 'X: a\r\n b\r\n')), [400]),
  refused('41. obs-fold by HT → 400', raw(request('GET', '/a', 'X: a\r\n\tb\r\n')), [400]),
  refused('41. obs-fold of Host → 400', raw('GET /a HTTP/1.1\r\nHost:\r\n a.example\r\n\r\n'), [400]),
  refused(
    '41. obs-fold of Transfer-Encoding → 400',
    raw(request('POST', '/a', 'Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n')),
    [400],
  ),
  refused('41. obs-fold of white space only → 400', raw(request('GET', '/a', 'X: a\r\n \r\n')), [400]),
  refused('42. SP before the first field → 400', raw(`GET /a HTTP/1.1\r\n X: y\r\n${host}\r\n`), [400]),
  refused('42. HT before the first field → 400', raw(`GET /a HTTP/1.1\r\n\t${host}\r\n`), [400]),
  refused('42. a line of white space before the first field → 400', raw(`GET /a HTTP/1.1\r\n \r\n${host}\r\n`), [400]),
];

const controls = [...range(0, 8), 11, 12, ...range(14, 31), 127];
const names: Case[] = [
  ...controls.map((byte) =>
    refused(
      `43. ${hex(byte)} in a value → 400`,
      raw(request('GET', '/a', `X: a${String.fromCharCode(byte)}b\r\n`)),
      [400],
    ),
  ),
  refused('43. NUL at the end of a value → 400', raw(request('GET', '/a', 'X: a\0\r\n')), [400]),
  refused('43. NUL alone as value → 400', raw(request('GET', '/a', 'X:\0\r\n')), [400]),
  refused('44. empty name → 400', raw(request('GET', '/a', ': x\r\n')), [400]),
  refused('44. empty name and value → 400', raw(request('GET', '/a', ':\r\n')), [400]),
  refused('44. empty name before Host → 400', raw(`GET /a HTTP/1.1\r\n: x\r\n${host}\r\n`), [400]),
  refused('44. missing colon → 400', raw(request('GET', '/a', 'nonsense\r\n')), [400]),
  refused('44. missing colon at the end → 400', raw(request('GET', '/a', 'X: y\r\nnonsense words\r\n')), [400]),
  ...[
    ...'[]{}()@,;<>?/\\="'.split(''),
    ' ',
    '\t',
    ...controls.map((byte) => String.fromCharCode(byte)),
    '\x80',
    '\xa0',
    '\xff',
    '\xc3\xa9',
  ].map((text) =>
    refused(`44. ${JSON.stringify(text)} in a name → 400`, raw(request('GET', '/a', `X${text}Y: z\r\n`)), [400]),
  ),
  forwarded('44. every token character in a name', request('GET', '/a', "X!#$%&'*+-.^`|~09azAZ: z\r\n"), {
    check: ([first]) => assert.deepEqual(valuesOf(first!, "x!#$%&'*+-.^`|~09azaz"), ['z']),
  }),
  forwarded(
    '45. obs-text in values is forwarded byte by byte',
    request(
      'GET',
      '/a',
      `X: \x80\xff\xe9\r\nY: \xc3\xa9\r\nZ: ${range(128, 255)
        .map((byte) => String.fromCharCode(byte))
        .join('')}\r\n`,
    ),
    {
      check: ([first]) => {
        assert.deepEqual(valuesOf(first!, 'x'), ['\x80\xff\xe9']);
        assert.deepEqual(valuesOf(first!, 'y'), ['\xc3\xa9']);
        assert.equal(valuesOf(first!, 'z')[0]!.length, 128);
      },
    },
  ),
  forwarded('45. obs-text in values of an answer is relayed byte by byte', request('GET', '/a'), {
    origin: (origin) => {
      origin.onRequest = (exchange) =>
        exchange.send('HTTP/1.1 200 OK\r\nX: \x80\xff\xe9 \xc3\xa9\r\nContent-Length: 0\r\n\r\n');
    },
    check: (_requests, answer) => assert.deepEqual(valuesOf(answer.answers[0]!, 'x'), ['\x80\xff\xe9 \xc3\xa9']),
  }),
  forwarded(
    '46. constructor, toString, hasOwnProperty, valueOf are ordinary names',
    request(
      'GET',
      '/a?__proto__=1&constructor=2',
      'constructor: 1\r\ntoString: 2\r\nhasOwnProperty: 3\r\nvalueOf: 4\r\n',
    ),
    {
      check: ([first]) => {
        for (const [name, value] of [
          ['constructor', '1'],
          ['tostring', '2'],
          ['hasownproperty', '3'],
          ['valueof', '4'],
        ]) {
          assert.deepEqual(valuesOf(first!, name!), [value]);
        }
      },
    },
  ),
  forwarded(
    '46. __proto__ harms nobody (its underscores drop it)',
    request('GET', '/a', '__proto__: 1\r\n__defineGetter__: 1\r\n'),
  ),
  forwarded('46. __proto__ and constructor in an answer harm nobody', request('GET', '/a'), {
    origin: (origin) => {
      origin.onRequest = (exchange) =>
        exchange.send(`HTTP/1.1 200 OK\r\n__proto__: 1\r\nconstructor: 2\r\nContent-Length: 0\r\n\r\n`);
    },
  }),
];

const fields = (count: number) => Array.from({ length: count }, (_, index) => `X-${index}: ${index}\r\n`).join('');
const sizes: Case[] = [
  forwarded('47. 95 fields pass', request('GET', '/a', fields(95)), {
    check: ([first]) => assert.deepEqual(valuesOf(first!, 'x-94'), ['94']),
  }),
  forwarded('47. a head of 15 KB passes', request('GET', '/a', `X: ${'y'.repeat(15_000)}\r\n`), {
    check: ([first]) => assert.equal(valuesOf(first!, 'x')[0]!.length, 15_000),
  }),
  refused('47. 200 fields → 431 and close', raw(request('GET', '/a', fields(200))), [431]),
  refused(
    '47. a head of 17 KB → 431 and close',
    raw(request('GET', '/a', `X-Long: ${'y'.repeat(1000)}\r\n`.repeat(17))),
    [431],
  ),
  refused('47. one field of 64 KB → 431 and close', raw(request('GET', '/a', `X: ${'y'.repeat(65_536)}\r\n`)), [431]),
  refused(
    '47. one name of 64 KB → 431 (or 400) and close',
    raw(request('GET', '/a', `${'y'.repeat(65_536)}: x\r\n`)),
    [431, 400],
  ),
  refused('47. 10,000 fields → 431 and close', raw(request('GET', '/a', fields(10_000))), [431]),
  refused(
    '47. a head over a lower limit → 431 and close',
    raw(request('GET', '/a', `X: ${'y'.repeat(3000)}\r\n`)),
    [431],
    { options: { limits: { headerBytes: 2048 } } },
  ),
  refused(
    '47. a head that never ends → 431 and close, long before it is sent',
    [`GET /a HTTP/1.1\r\n${host}`, Buffer.alloc(8 << 20, 'X: y\r\n')],
    [431],
  ),
  forwarded('48. a target of 8,000 is accepted', request('GET', `/${'a'.repeat(7999)}`), {
    check: ([first]) => assert.equal(first!.start[1].length, 8000),
  }),
  forwarded('48. a query of 8,000 is accepted', request('GET', `/?${'a'.repeat(7998)}`)),
  refused('48. a target of 20,000 → 414 and close', raw(request('GET', `/${'a'.repeat(20_000)}`)), [414]),
  refused('48. a target that never ends → 414 and close', ['GET /', Buffer.alloc(4 << 20, 'a')], [414]),
  refused(
    '48. target short, head over 16 KB → 431',
    raw(request('GET', `/${'a'.repeat(8000)}`, `X: ${'y'.repeat(9000)}\r\n`)),
    [431],
  ),
];

const lines: Case[] = [
  ...['G@T', '(GET)', 'G/T', 'G\0T', 'GET\x7f', 'G\xc9T', '"GET"', 'G{}T', ':GET', 'G\tT', ''].map((method) =>
    refused(`49. method ${JSON.stringify(method)} → 400/501`, raw(`${method} /a HTTP/1.1\r\n${host}\r\n`), [400, 501]),
  ),
  refused('49. method of 100 KB → 400/501/414', raw(request('A'.repeat(100_000), '/a')), [400, 501, 414]),
  forwarded('49. `get` stays `get`', request('get', '/a'), {
    check: ([first]) => assert.equal(first!.start[0], 'get'),
  }),
  forwarded('49. an unknown token as method', request("M-!#$%&'*+.^_`|~", '/a'), {
    check: ([first]) => assert.equal(first!.start[0], "M-!#$%&'*+.^_`|~"),
  }),
  ...[
    ['HT for SP', 'GET\t/a HTTP/1.1'],
    ['HT before the version', 'GET /a\tHTTP/1.1'],
    ['two SP', 'GET  /a HTTP/1.1'],
    ['two SP before the version', 'GET /a  HTTP/1.1'],
    ['VT', 'GET\x0b/a HTTP/1.1'],
    ['FF', 'GET /a\x0cHTTP/1.1'],
    ['no target', 'GET HTTP/1.1'],
    ['empty target', 'GET  HTTP/1.1'],
    ['SP in the target', 'GET /a b HTTP/1.1'],
    ['a request in the target', 'GET /a HTTP/1.1 HTTP/1.1'],
    ['trailing SP', 'GET /a HTTP/1.1 '],
    ['trailing HT', 'GET /a HTTP/1.1\t'],
    ['leading SP', ' GET /a HTTP/1.1'],
    ['method alone', 'GET'],
    ['relative target', 'GET a HTTP/1.1'],
    ['NUL in the target', 'GET /a\0b HTTP/1.1'],
  ].map(([what, line]) => refused(`50. request line with ${what} → 400`, raw(`${line}\r\n${host}\r\n`), [400])),
];

const versions: Case[] = [
  ...['HTTP/1.2', 'HTTP/1.9'].map((version) =>
    forwarded(`51. ${version} is handled as 1.1`, `GET /a ${version}\r\n${host}\r\n${NEXT}`, {
      statuses: [200, 200],
      check: (_requests, answer) => assert.equal(answer.answers[0]!.start[0], 'HTTP/1.1'),
    }),
  ),
  ...[
    'HTTP/2.0',
    'HTTP/0.9',
    'HTTP/3.0',
    'HTTP/01.1',
    'HTTP/1.01',
    'HTTP/1',
    'HTTP/1.',
    'HTTP/.1',
    'HTTP/11',
    'http/1.1',
    'Http/1.1',
    'HTTP/1.1x',
    'HTTP/1,1',
    'HTTP/+1.1',
    'HTTP/1.10',
    'HTTPS/1.1',
    'HTTP 1.1',
    'ICAP/1.0',
    'HTTP/1.x',
    'HTTP/\xb9.1',
  ].map((version) =>
    refused(`51. version ${JSON.stringify(version)} → 400/505`, raw(`GET /a ${version}\r\n${host}\r\n`), [400, 505]),
  ),
  refused('51. no version → 400/505', 'GET /a\r\n', [400, 505]),
  refused('51. no version but SP → 400/505', raw(`GET /a \r\n${host}\r\n`), [400, 505]),
  forwarded('52. one leading CRLF is ignored', `\r\n${NEXT}`),
  forwarded(
    '52. a CRLF after a body is ignored',
    `${request('POST', '/a', 'Content-Length: 5\r\n', 'hello')}\r\n${NEXT}`,
    { statuses: [200, 200] },
  ),
  {
    name: '52. two leading CRLF: ignored or 400',
    run: async (lane) => {
      const answer = await lane.talk((talk) => [
        `\r\n\r\n${NEXT}`,
        () => talk.until(() => talk.answers.length === 1),
        FIN,
      ]);
      await either(
        () => assert.deepEqual(answer.statuses, [200], show(answer)),
        () => assertRefusal(answer, [400]),
      );
      await lane.verify(answer.statuses[0] === 200 ? 1 : 0);
    },
  },
  refused('52. three leading CRLF → 400', `\r\n\r\n\r\n${SMUGGLED}`, [400]),
  refused('52. 100,000 leading CRLF → 400', '\r\n'.repeat(100_000), [400]),
  refused('52. leading LF → 400', `\n${SMUGGLED}`, [400]),
  refused('52. leading CR → 400', `\r${SMUGGLED}`, [400]),
  refused(
    '53. what begins as the HTTP/2 preface and is not → 400/505 and close',
    'PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n',
    [400, 505],
  ),
  refused(
    '53. HTTP/2 preface behind a request → 400/505 and close',
    `${NEXT}PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0`,
    [400, 505],
    { before: 1 },
  ),
];

/** The beginning of a real ClientHello record: TLS 1.0 record, 512 bytes, handshake, version 3.3. */
const clientHello = Buffer.concat([Buffer.from('1603010200010001fc0303', 'hex'), Buffer.alloc(505, 0x5a)]);
const strangers: Case[] = [
  refused('54. TLS ClientHello → closed', [clientHello], [400, 505], { silent: true }),
  refused(
    '54. TLS ClientHello with CRLF in it → closed',
    [Buffer.concat([clientHello, Buffer.from('\r\n\r\n')])],
    [400, 505],
    { silent: true },
  ),
  ...range(1, 8).map((index) =>
    refused(
      `54. random bytes ${index} → closed`,
      [Buffer.from([index]), randomBytes(40_000)],
      [400, 414, 431, 501, 505],
      { silent: true },
    ),
  ),
  refused('54. zero bytes → closed', [Buffer.alloc(1000)], [400, 505], { silent: true }),
  refused('54. 0xff bytes → closed', [Buffer.alloc(1000, 0xff)], [400, 505], { silent: true }),
  {
    name: '54. FIN at once → closed without an answer',
    run: async (lane) => {
      const answer = await lane.talk([FIN]);
      assert.notEqual(answer.ended, 'hang');
      assert.equal(answer.text, '');
      await lane.verify(0);
    },
  },
  {
    name: '54. RST at once → nothing happens',
    run: async (lane) => {
      await lane.talk([RST]);
      await lane.verify(0);
    },
  },
  {
    name: '54. FIN in the middle of a head → closed, nothing reaches the origin',
    run: async (lane) => {
      const answer = await lane.talk([`GET /a HTTP/1.1\r\n${host}`, FIN]);
      assert.notEqual(answer.ended, 'hang');
      assert.ok(
        answer.statuses.every((status) => status === 400 || status === 408),
        show(answer),
      );
      await lane.verify(0);
    },
  },
];

suite('C. lines and fields', [...ends, ...names, ...sizes, ...lines, ...versions, ...strangers]);
