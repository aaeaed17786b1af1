/** D, first half. Host and the forms of targets: cases 55–63. RFC 9112 §3.2, RFC 3986. */
import assert from 'node:assert/strict';

import { valuesOf } from './checker.ts';
import { type LaneOptions } from './harness.ts';
import { FIN } from './steps.ts';
import {
  assertRefusal,
  forwarded,
  type Forwarded,
  refused,
  request,
  show,
  suite,
  SMUGGLED,
  type Case,
} from './suite.ts';

const withHost = (lines: string, target = '/a') => `GET ${target} HTTP/1.1\r\n${lines}\r\n${SMUGGLED}`;
const target = (value: string) => request('GET', value) + SMUGGLED;

function goes(name: string, sent: string, expected: string, more: Forwarded = {}): Case {
  return forwarded(name, sent, {
    ...more,
    check: (requests, answer, lane) => {
      assert.equal(requests[0]!.start[1], expected);
      return more.check?.(requests, answer, lane);
    },
  });
}

const hosts: Case[] = [
  refused('55. no Host in 1.1 → 400', withHost(''), [400]),
  refused('55. no Host but absolute-form → 400', withHost('', 'http://a.example/a'), [400]),
  forwarded('55. no Host in 1.0 is right', 'GET /a HTTP/1.0\r\n\r\n'),
  refused('56. two Hosts, different → 400', withHost('Host: a.example\r\nHost: b.example\r\n'), [400]),
  refused('56. two Hosts, equal → 400', withHost('Host: a.example\r\nHost: a.example\r\n'), [400]),
  refused(
    '56. two Hosts, other case and apart → 400',
    withHost('Host: a.example\r\nX: y\r\nhOST: b.example\r\n'),
    [400],
  ),
  refused('56. two Hosts, one empty → 400', withHost('Host:\r\nHost: a.example\r\n'), [400]),
  refused('56. two Hosts in 1.0 → 400', 'GET /a HTTP/1.0\r\nHost: a.example\r\nHost: b.example\r\n\r\n', [400]),
  refused('57. empty Host → 400', withHost('Host:\r\n'), [400]),
  refused('57. Host of white space → 400', withHost('Host: \t \r\n'), [400]),
  ...[
    'u@a.example',
    'u:p@a.example',
    'a.example/x',
    'a.example,b.example',
    'a.example, b.example',
    'a b',
    'a%41.example',
    'a%00',
    'a\\b',
    'a.example:0',
    'a.example:99999',
    'a.example:65536',
    'a.example:abc',
    'a.example:8o',
    'a.example:-1',
    'a.example:+80',
    'a.example:80:80',
    '[::1',
    '::1]',
    '[::1]x',
    '[g::1]',
    '[::1]:x',
    'a.example#x',
    'a.example?x',
    'a"b',
    'a<b>',
    'a^b',
    'a|b',
    'a`b',
    'a{b}',
    ':80',
    'http://a.example',
    '\xe9.example',
    'a\tb',
    '.',
    '..',
    'a.example:0000000000080000000000',
  ].map((value) => refused(`58. Host ${JSON.stringify(value)} → 400`, withHost(`Host: ${value}\r\n`), [400])),
  ...[
    'a.example:80',
    'a.example:65535',
    '127.0.0.1',
    '127.0.0.1:80',
    '[::1]',
    '[::1]:8000',
    'xn--bcher-kva.example',
    'a-b.example',
    'a_b.example',
    'localhost',
  ].map((value) =>
    forwarded(`58. Host ${value} passes`, `GET /a HTTP/1.1\r\nHost: ${value}\r\n\r\n`, {
      check: ([first]) => assert.equal(valuesOf(first!, 'host').length, 1),
    }),
  ),
];

const shop: LaneOptions = { rules: [{ match: { hosts: ['shop.example'] } }, { match: { hosts: ['*.wild.example'] } }] };
const routed: Case[] = [
  ...[
    'shop.example',
    'SHOP.example',
    'shop.EXAMPLE',
    'shop.example.',
    'Shop.Example.',
    'shop.example:80',
    'shop.example.:80',
    'shop.example:8000',
    'x.wild.example',
    'X.WILD.example.:81',
    'a.b.wild.example',
  ].map((value) =>
    forwarded(`59. Host ${value} takes the same route`, `GET /a HTTP/1.1\r\nHost: ${value}\r\n\r\n`, { options: shop }),
  ),
  ...[
    'other.example',
    'shop.example.evil',
    'xshop.example',
    'shop.exampl',
    'wild.example',
    'shop.example..',
    'shopXexample',
  ].map((value): Case => ({
    name: `59. Host ${value} does not take it`,
    options: shop,
    run: async (lane) => {
      const answer = await lane.talk(`GET /a HTTP/1.1\r\nHost: ${value}\r\n\r\n`, { answers: 1 });
      assert.ok([404, 400, 421].includes(answer.statuses[0]!), show(answer));
      await lane.verify(0);
    },
  })),
  goes(
    "60. absolute-form: the target's authority wins and replaces Host",
    'GET http://b.example/x?y=z HTTP/1.1\r\nHost: a.example\r\n\r\n',
    '/x?y=z',
    {
      check: ([first]) => assert.deepEqual(valuesOf(first!, 'host'), ['b.example']),
    },
  ),
  goes('60. absolute-form with a port', 'GET http://b.example:8080/x HTTP/1.1\r\nHost: a.example\r\n\r\n', '/x', {
    check: ([first]) => assert.deepEqual(valuesOf(first!, 'host'), ['b.example:8080']),
  }),
  goes('60. absolute-form in upper case', 'GET HTTP://B.example/x HTTP/1.1\r\nHost: b.example\r\n\r\n', '/x', {
    check: ([first]) => assert.equal(valuesOf(first!, 'host')[0]!.toLowerCase(), 'b.example'),
  }),
  goes('60. absolute-form in HTTP/1.0 without Host', 'GET http://b.example/x HTTP/1.0\r\n\r\n', '/x', {
    check: ([first]) => assert.deepEqual(valuesOf(first!, 'host'), ['b.example']),
  }),
  forwarded(
    "60. absolute-form is routed by the target's authority",
    'GET http://shop.example/x HTTP/1.1\r\nHost: other.example\r\n\r\n',
    { options: shop },
  ),
  refused(
    '60. absolute-form with two Hosts → 400',
    'GET http://b.example/x HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n',
    [400],
  ),
  {
    name: '60. absolute-form does not take the route of Host',
    options: shop,
    run: async (lane) => {
      const answer = await lane.talk('GET http://other.example/x HTTP/1.1\r\nHost: shop.example\r\n\r\n', {
        answers: 1,
      });
      assert.deepEqual(answer.statuses, [404], show(answer));
      await lane.verify(0);
    },
  },
  ...[
    'ftp://a.example/',
    'gopher://a.example/x',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'http:/a',
    'http:a.example/',
    'http://',
    'http:///x',
    'http://u@a.example/',
    'http://u:p@a.example/',
    'http://a.example:99999/',
    'http://a b/',
    'http://a.example#frag',
    'http://a.example/#frag',
    'http://a%41/',
    'http://a\\b/',
    'http://[::1/',
    '//a.example:x@/',
    'ws://a.example/',
  ].map((value) =>
    value.startsWith('//')
      ? forwarded(`61. target ${value} is origin-form`, request('GET', value))
      : refused(`61. target ${value} → 400`, target(value), [400]),
  ),
  ...['http://a.example', 'http://a.example?x=y', 'http://a.example:80', 'https://a.example/'].map((value): Case => ({
    name: `61. target ${value} → 400 or /`,
    run: async (lane) => {
      const answer = await lane.talk((talk) => [
        request('GET', value),
        () => talk.until(() => talk.answers.length === 1),
        FIN,
      ]);
      if (answer.statuses[0] === 400) {
        assertRefusal(answer, [400]);
        return lane.verify(0);
      }
      assert.deepEqual(answer.statuses, [200], show(answer));
      await lane.verify(1);
      assert.equal(lane.origin.requests[0]!.start[1], value.includes('?') ? '/?x=y' : '/');
    },
  })),
  ...['a.example:80', '127.0.0.1:80', '[::1]:80', 'a.example', '/a', '*'].map((value) =>
    refused(
      `62. CONNECT ${value} → 405/501, no tunnel`,
      request('CONNECT', value, '', SMUGGLED),
      value.includes(':') ? [405, 501] : [400, 405, 501],
    ),
  ),
  refused(
    '62. CONNECT with a body → 405/501, no tunnel',
    request('CONNECT', 'a.example:80', 'Content-Length: 5\r\n', `hello${SMUGGLED}`),
    [405, 501, 400],
  ),
  ...['a.example:80', 'a.example', '127.0.0.1:80', 'a/b'].map((value) =>
    refused(`62. GET ${value} → 400`, target(value), [400]),
  ),
  ...['GET', 'POST', 'HEAD'].map((method) =>
    refused(`63. ${method} * → 400`, request(method, '*') + SMUGGLED, [400], { methods: [method] }),
  ),
  refused('63. OPTIONS *x → 400', request('OPTIONS', '*x') + SMUGGLED, [400]),
  {
    name: '63. OPTIONS * is answered by the proxy',
    run: async (lane) => {
      const answer = await lane.talk(request('OPTIONS', '*'), { answers: 1 });
      assert.equal(answer.answers.length, 1, show(answer));
      assert.ok([200, 204].includes(answer.statuses[0]!), show(answer));
      await lane.verify(0);
    },
  },
];

suite('D. Host and the forms of targets', [...hosts, ...routed]);
