/** Requests, answers and chunked bodies by grammar: mostly right, with wrong pieces of every known kind mixed in. */
import type { Random } from './random.ts';

const METHODS = [
  'GET',
  'POST',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'TRACE',
  'CONNECT',
  'get',
  'FOO',
  'M-_!',
  'X'.repeat(32),
  'X'.repeat(33),
];
const VERSIONS = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/1.9',
  'HTTP/2.0',
  'HTTP/1.10',
  'http/1.1',
  'HTTP/1.x',
];
const SEGMENTS = [
  'a',
  'b',
  '..',
  '.',
  '...',
  '',
  '%2e',
  '.%2E',
  '%2e%2e',
  '%2f',
  '%41',
  '%c3%a9',
  '%c0%af',
  '%e0%80',
  '%f0%80',
  '%5c',
  '%00',
  '%zz',
  '%',
  'x;y=z',
  '..;',
  '.;',
  ';',
  '|[]',
  '~_-',
  'a%20b',
  '%25',
  'a:b@c',
  '{',
  '^',
  '%7f',
  '%7e',
  '%3b',
];
const QUERIES = ['', '?', '?a=b', '?a=../b', '?50%', '?"<>\\^{}', '??', '?#', '?a b'];
const HOSTS = [
  'a.example',
  'A.Example.',
  'a.example:80',
  'a.example:0',
  'a.example:65535',
  'a.example:65536',
  '[::1]',
  '[::1]:80',
  '[::1',
  'a,b',
  'u@h',
  'a b',
  '',
  '.',
  'a_b',
  '127.0.0.1',
  'a%41',
  'a.example:',
  '~',
];
const NAMES = [
  'X',
  'Accept',
  'Cookie',
  'User-Agent',
  'X_Y',
  'X-Forwarded-For',
  'X-Forwarded-Foo',
  'X_Forwarded_For',
  'Forwarded',
  'X-Real-IP',
  'Keep-Alive',
  'Proxy-Connection',
  'Proxy-Authorization',
  'Trailer',
  'HTTP2-Settings',
  '__proto__',
  'constructor',
  'Authorization',
  "!#$%&'*+-.^_`|~",
];
const VALUES = ['', 'y', 'a b', '\x80\xff', 'a\tb', 'x'.repeat(60), '"q\\"', 'trailers', 'close', ','];
const LENGTHS = [
  '0',
  '5',
  '5',
  '5',
  '05',
  '+5',
  '-0',
  '5, 5',
  '',
  '0x5',
  '999999999999999',
  '1000000000000000',
  '5 ',
  ' 5',
  '\t5',
];
const CODINGS = [
  'chunked',
  'chunked',
  'chunked',
  'Chunked',
  ' chunked ',
  'gzip, chunked',
  'chunked, chunked',
  'identity',
  'xchunked',
  '',
  'chunked;a',
];
const CONNECTIONS = [
  'close',
  'keep-alive',
  'Upgrade',
  'close, X',
  'X, Host, Content-Length',
  'TE',
  ', Transfer-Encoding ,',
  'x_y',
  'Cookie, upgrade',
  'Close',
];
const BLANKS = ['', ' ', ' ', ' ', ' ', '\t', '  ', ' \t'];

export function request(random: Random): string {
  const lines = [
    `${random.pick(METHODS)} ${target(random)} ${random.chance(0.9) ? 'HTTP/1.1' : random.pick(VERSIONS)}`,
  ];
  const fields = random.times(random.chance(0.01) ? 110 : 5, () => field(random));
  if (random.chance(0.95))
    fields.splice(
      random.below(fields.length + 1),
      0,
      line(random, 'Host', random.chance(0.8) ? 'a.example' : random.pick(HOSTS)),
    );
  lines.push(...fields);
  const before = random.chance(0.05) ? '\r\n'.repeat(1 + random.below(3)) : '';
  return `${before}${lines.join('\r\n')}\r\n\r\n`;
}

function target(random: Random): string {
  const path = `/${Array.from({ length: random.below(5) }, () => random.pick(SEGMENTS)).join('/')}`;
  const query = random.chance(0.5) ? '' : random.pick(QUERIES);
  const pick = random.next();
  if (pick < 0.85) return path + query;
  if (pick < 0.95)
    return `${random.pick(['http://', 'HTTP://', 'https://', 'http:/', 'ftp://'])}${random.pick(HOSTS)}${random.pick(['', path])}${query}`;
  return random.pick(['*', 'a', '', '/', 'a.example:80', '//']);
}

function field(random: Random): string {
  const pick = random.next();
  if (pick < 0.12) return line(random, 'Content-Length', random.pick(LENGTHS));
  if (pick < 0.24) return line(random, 'Transfer-Encoding', random.pick(CODINGS));
  if (pick < 0.32) return line(random, 'Connection', random.pick(CONNECTIONS));
  if (pick < 0.36) return line(random, 'Upgrade', random.pick(['websocket', 'h2c', 'WebSocket', 'a, websocket']));
  if (pick < 0.4) return line(random, 'Expect', random.pick(['100-continue', '100-Continue', 'foo', '']));
  if (pick < 0.44) return line(random, 'TE', random.pick(['trailers', 'gzip', 'gzip, trailers', 'trailers;q=1']));
  return line(random, random.pick(NAMES), random.pick(VALUES));
}

function line(random: Random, name: string, value: string): string {
  const spelt = random.chance(0.8) ? name : random.chance(0.5) ? name.toUpperCase() : name.toLowerCase();
  return `${spelt}:${random.pick(BLANKS)}${value}${random.chance(0.9) ? '' : random.pick(BLANKS)}`;
}

const STATUSES = [
  '200 OK',
  '200',
  '204 No Content',
  '304 x',
  '100 Continue',
  '101 Switching Protocols',
  '103 Early Hints',
  '404 \xe9',
  '999 x',
  '99 x',
  '2000',
  '200OK',
  '000 x',
];

export function answer(random: Random): string {
  const version = random.chance(0.9) ? 'HTTP/1.1' : random.pick(VERSIONS);
  const fields = random.times(6, () =>
    random.chance(0.2) ? line(random, 'Set-Cookie', random.pick(VALUES)) : field(random),
  );
  return `${[`${version} ${random.pick(STATUSES)}`, ...fields].join('\r\n')}\r\n\r\n`;
}

const SIZES = ['0x', '+', '', ' ', '00000000000000000'];
const EXTENSIONS = [
  ';a',
  ';a=b',
  ';a="b\\"c"',
  ' ;a',
  ';',
  ';a=',
  ';a="b',
  '; a = b',
  ';a=b;c',
  `;a=${'x'.repeat(200)}`,
];

export function chunkedBody(random: Random): string {
  let out = '';
  for (let left = random.below(6); left > 0; left--) {
    const data = 'x'.repeat(1 + random.below(random.chance(0.9) ? 20 : 300));
    let size = data.length.toString(16);
    if (random.chance(0.2)) size = size.toUpperCase();
    if (random.chance(0.1)) size = `00${size}`;
    if (random.chance(0.03)) size = random.pick(SIZES) + size;
    out += `${size}${random.chance(0.1) ? random.pick(EXTENSIONS) : ''}\r\n${data}\r\n`;
  }
  out += `0${random.chance(0.1) ? random.pick(EXTENSIONS) : ''}\r\n`;
  if (random.chance(0.2)) out += `${random.times(4, () => field(random)).join('\r\n')}\r\n`;
  return `${out}\r\n`;
}
