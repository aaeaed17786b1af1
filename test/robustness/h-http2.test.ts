/** 113–116: what clients may say in HTTP/2, and what reaches a server of it; frames are written by hand. */
import assert from 'node:assert/strict';

import { valuesOf } from './checker.ts';
import {
  data,
  type Fields,
  fields,
  FLAG,
  frame,
  GET,
  headers,
  Http2Peer,
  PROTOCOL_ERROR,
  TYPE,
  uint32,
} from './frames.ts';
import { OK } from './origin.ts';
import { aborted, type Case, type Lane, suite } from './suite.ts';

/** The stream is reset, and nothing of it reaches the server. */
function malformed(name: string, list: Fields, ...more: Buffer[]): Case {
  return {
    name,
    run: async (lane) => {
      const peer = new Http2Peer(lane.port);
      peer.send(headers(1, list, more.length === 0), ...more);
      assert.equal(await peer.ending(1), PROTOCOL_ERROR);
      assert.equal(
        peer.frames.some(({ stream, type }) => stream === 1 && type === 1),
        false,
        'an answer',
      );
      // the connection goes on
      peer.send(headers(3, GET));
      assert.equal(await peer.ending(3), 'end');
      peer.close();
      await lane.verify(1);
    },
  };
}

/** The same for a field among others. */
const badField = (name: string, field: readonly [string, string]): Case =>
  malformed(name, fields({}, ['x-before', '1'], field, ['x-behind', '2']));

/** Answered as it would be on HTTP/1.1. */
function answered(name: string, list: Fields, status: number): Case {
  return {
    name,
    run: async (lane) => {
      const peer = new Http2Peer(lane.port);
      peer.send(headers(1, list));
      assert.equal(await peer.ending(1), 'end');
      assert.equal(await peer.status(1), status);
      peer.close();
      await lane.verify(0);
    },
  };
}

function served(name: string, send: readonly Buffer[], check: (lane: Lane) => void): Case {
  return {
    name,
    run: async (lane) => {
      const peer = new Http2Peer(lane.port);
      peer.send(...send);
      assert.equal(await peer.ending(1), 'end');
      assert.equal(await peer.status(1), 200);
      peer.close();
      await lane.verify(1);
      check(lane);
    },
  };
}

const last = (lane: Lane) => lane.origin.requests.at(-1)!;
const POST = fields({ ':method': 'POST' });
const length = (value: string): Fields => fields({ ':method': 'POST' }, ['content-length', value]);
const without = (name: string): Fields => GET.filter(([other]) => other !== name);

const fieldRules: Case[] = [
  badField('114. LF in a value', ['x-bad', 'a\nx-evil: 1']),
  badField('114. CR in a value', ['x-bad', 'a\rb']),
  badField('114. CR LF and a whole request in a value', [
    'x-bad',
    'a\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n',
  ]),
  badField('114. NUL in a value', ['x-bad', 'a\0b']),
  badField('114. DEL in a value', ['x-bad', 'a\x7fb']),
  malformed('114. a blank before a value', fields({}, ['x-bad', ' a'])),
  malformed('114. a blank behind a value', fields({}, ['x-bad', 'a '])),
  malformed('114. a tab behind a value', fields({}, ['x-bad', 'a\t'])),
  malformed('114. a value of nothing but a blank', fields({}, ['x-bad', ' '])),
  malformed('114. a blank behind a value among trailers', POST, data(1, 'x'), headers(1, [['x-bad', 'a ']])),
  badField('114. a blank in a name', ['x bad', 'a']),
  badField('114. a colon in a name', ['x:bad', 'a']),
  badField('114. LF in a name', ['x-bad\nx-evil', 'a']),
  badField('114. a name of none but obs-text', ['x-\xe9', 'a']),
  badField('114. an empty name', ['', 'a']),
  malformed('114. capitals in a name', fields({}, ['X-Bad', 'a'])),
  malformed('114. connection', fields({}, ['connection', 'x-a'])),
  malformed('114. keep-alive', fields({}, ['keep-alive', 'timeout=5'])),
  malformed('114. proxy-connection', fields({}, ['proxy-connection', 'close'])),
  malformed('114. transfer-encoding', fields({ ':method': 'POST' }, ['transfer-encoding', 'chunked'])),
  malformed('114. upgrade', fields({}, ['upgrade', 'h2c'])),
  malformed('114. te other than trailers', fields({}, ['te', 'gzip'])),
  malformed('114. te with a weight', fields({}, ['te', 'trailers;q=0.5'])),
  malformed('114. a pseudo-field twice', [...GET, [':path', '/b']]),
  malformed('114. a pseudo-field behind others', [...without(':path'), ['x-a', 'b'], [':path', '/a']]),
  malformed('114. an unknown pseudo-field', [...GET, [':fragment', 'a']]),
  malformed('114. a pseudo-field of answers', [...GET, [':status', '200']]),
  malformed('114. no :method', without(':method')),
  malformed('114. no :scheme', without(':scheme')),
  malformed('114. no :path', without(':path')),
  malformed('114. an empty :path', fields({ ':path': '' })),
  malformed('114. a blank in :path', fields({ ':path': '/a b' })),
  malformed('114. CR LF in :path', fields({ ':path': '/a\r\nx: y' })),
  malformed('114. a :path without slash', fields({ ':path': 'a' })),
  malformed('114. an absolute :path', fields({ ':path': 'http://a.example/' })),
  malformed('114. * as :path of GET', fields({ ':path': '*' })),
  malformed('114. a blank in :method', fields({ ':method': 'GET /x' })),
  malformed('114. an empty :method', fields({ ':method': '' })),
  malformed('114. an unknown :scheme', fields({ ':scheme': 'ftp' })),
  malformed('114. junk as :scheme', fields({ ':scheme': 'http\0' })),
  malformed('114. :authority and another host', fields({}, ['host', 'b.example'])),
  malformed('114. :authority with user information', fields({ ':authority': 'u@a.example' })),
  malformed('114. two hosts', fields({}, ['host', 'a.example'], ['host', 'a.example'])),
  malformed('114. :protocol without CONNECT', fields({}, [':protocol', 'websocket'])),
  malformed('114. a pseudo-field among trailers', POST, data(1, 'x'), headers(1, [[':path', '/b']])),
  malformed('114. connection among trailers', POST, data(1, 'x'), headers(1, [['connection', 'close']])),
  answered('114. a quotation mark in :path → 400, as on HTTP/1.1', fields({ ':path': '/"' }), 400),
  answered('114. # in :path → 400, as on HTTP/1.1', fields({ ':path': '/a#b' }), 400),
  answered('114. a comma in :authority → 400, as on HTTP/1.1', fields({ ':authority': 'a.example,b.example' }), 400),
  served('114. :authority and the same host', [headers(1, fields({}, ['host', 'A.example']))], (lane) => {
    assert.deepEqual(valuesOf(last(lane), 'host'), ['a.example']);
  }),
  served('114. host alone', [headers(1, [...without(':authority'), ['host', 'a.example']])], (lane) => {
    assert.deepEqual(valuesOf(last(lane), 'host'), ['a.example']);
  }),
  served('80. http2-settings goes no further', [headers(1, fields({}, ['http2-settings', 'AAMAAABk']))], (lane) => {
    assert.deepEqual(valuesOf(last(lane), 'http2-settings'), []);
  }),
  served('45. obs-text in a value stays as it is', [headers(1, fields({}, ['x-a', 'caf\xe9']))], (lane) => {
    assert.deepEqual(valuesOf(last(lane), 'x-a'), ['caf\xe9']);
  }),
  served('68. a path is normalised before it is dispatched', [headers(1, fields({ ':path': '/x/../a' }))], (lane) => {
    assert.equal(last(lane).start[1], '/a');
  }),
];

const framing: Case[] = [
  malformed('115. content-length and END_STREAM on HEADERS', length('5')),
  malformed('115. more DATA than content-length', length('5'), data(1, 'hello!', true)),
  malformed('115. less DATA than content-length', length('5'), data(1, 'hell', true)),
  malformed(
    '115. content-length, and trailers before it is reached',
    length('5'),
    data(1, 'x'),
    headers(1, [['x-t', '1']]),
  ),
  malformed('115. content-length 0 and DATA', length('0'), data(1, 'x', true)),
  malformed(
    '115. content-length twice',
    fields({ ':method': 'POST' }, ['content-length', '5'], ['content-length', '5']),
  ),
  malformed('115. content-length +5', length('+5'), data(1, 'hello', true)),
  malformed('115. content-length 5, 5', length('5, 5'), data(1, 'hello', true)),
  malformed('115. content-length beyond all numbers', length('99999999999999999999'), data(1, 'hello', true)),
  served(
    '115. content-length as announced',
    [headers(1, length('5'), false), data(1, 'hel'), data(1, 'lo', true)],
    (lane) => {
      assert.deepEqual(valuesOf(last(lane), 'content-length'), ['5']);
      assert.equal(last(lane).body, 'hello');
    },
  ),
  served('115. no content-length → chunked', [headers(1, POST, false), data(1, 'hel'), data(1, 'lo', true)], (lane) => {
    assert.deepEqual(valuesOf(last(lane), 'transfer-encoding'), ['chunked']);
    assert.equal(last(lane).body, 'hello');
  }),
  served('115. an empty DATA ends it', [headers(1, POST, false), data(1, ''), data(1, '', true)], (lane) => {
    assert.equal(last(lane).body, '');
  }),
  served(
    '115. what looks like a chunk, or a request, is data',
    [headers(1, POST, false), data(1, '0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n', true)],
    (lane) => assert.equal(last(lane).body, '0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n'),
  ),
  served(
    '116. crumbs of a cookie are one again',
    [headers(1, fields({}, ['cookie', 'a=1'], ['x-a', 'b'], ['cookie', 'b=2'], ['cookie', 'c=3']))],
    (lane) => assert.deepEqual(valuesOf(last(lane), 'cookie'), ['a=1; b=2; c=3']),
  ),
];

/** The server may have seen its beginning, never an end. */
function brokenOff(name: string, ...end: Buffer[]): Case {
  return {
    name,
    run: async (lane) => {
      const peer = new Http2Peer(lane.port);
      peer.send(headers(1, POST, false), data(1, 'part'));
      await lane.origin.until(() => lane.origin.started.length === 1);
      peer.send(...end);
      if (end.length === 0) peer.close();
      await aborted(lane);
      peer.close();
      await lane.verify(0);
    },
  };
}

const broken: Case[] = [
  brokenOff('33. a body broken off by RST_STREAM', frame(TYPE.reset, 0, 1, uint32(8))),
  brokenOff('33. a body broken off by RST_STREAM without an error', frame(TYPE.reset, 0, 1, uint32(0))),
  brokenOff('33. a body broken off by GOAWAY', frame(TYPE.goaway, 0, 0, Buffer.concat([uint32(0), uint32(2)]))),
  brokenOff('33. a body broken off by the end of the connection'),
];

/** The ids of the last streams that it was told of by GOAWAY, in turn. */
const lasts = (peer: Http2Peer): number[] =>
  peer.frames.filter(({ type }) => type === TYPE.goaway).map(({ payload }) => payload.readUInt32BE(0));
const PONG = frame(TYPE.ping, FLAG.ack, 0, Buffer.alloc(8));
const ONE = { limits: { requestsPerConnection: 1 } };

const leaving: Case[] = [
  {
    name: '19. GOAWAY in two steps: what was on its way is served, what comes behind the second is not looked at',
    options: ONE,
    run: async (lane) => {
      const { promise: release, resolve } = Promise.withResolvers<void>();
      const peer = new Http2Peer(lane.port);
      peer.send(headers(1, GET));
      assert.equal(await peer.ending(1), 'end');
      await peer.find(({ type }) => type === TYPE.ping);
      assert.deepEqual(lasts(peer), [0x7fffffff]);
      lane.origin.onRequest = async (exchange) => {
        await release;
        await exchange.send(OK);
      };
      peer.send(headers(3, GET), PONG);
      await peer.find(({ type, payload }) => type === TYPE.goaway && payload.readUInt32BE(0) === 3);
      await lane.origin.until(() => lane.origin.requests.length === 2);
      peer.send(headers(5, GET));
      await peer.ping(1);
      resolve();
      assert.equal(await peer.ending(3), 'end');
      assert.equal(await peer.ending(5), 'closed');
      assert.deepEqual(lasts(peer), [0x7fffffff, 3]);
      await lane.verify(2);
    },
  },
  {
    name: '19. a client that does not answer the ping is told after a second',
    options: ONE,
    run: async (lane) => {
      const peer = new Http2Peer(lane.port);
      peer.send(headers(1, GET));
      assert.equal(await peer.ending(-1), 'closed');
      assert.deepEqual(lasts(peer), [0x7fffffff, 1]);
      await lane.verify(1);
    },
  },
];

suite('H. HTTP/2 of clients', [...fieldRules, ...framing, ...broken, ...leaving]);
