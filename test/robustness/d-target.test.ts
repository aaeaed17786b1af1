/** D, second half. Paths and routing: cases 64–76 (75 needs TLS). RFC 9112 §3.2, RFC 3986. */
import assert from 'node:assert/strict';

import { valuesOf } from './checker.ts';
import { type LaneOptions } from './harness.ts';
import { FIN } from './steps.ts';
import { forwarded, type Forwarded, refused, request, show, suite, SMUGGLED, type Case } from './suite.ts';

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

const shop: LaneOptions = { rules: [{ match: { hosts: ['shop.example'] } }, { match: { hosts: ['*.wild.example'] } }] };
const exact = (path: string) => ({
  match: { path: { type: 'Exact', value: path } as const },
  filters: [tag(path)],
});

const paths: Case[] = [
  ...['/a#b', '/#', '/?a#b', '/a?#', '#'].map((value) => refused(`64. target ${value} → 400`, target(value), [400])),
  ...[...'\\"<>^{}`'.split(''), '\x80', '\xe9', '\xff', '\xc3\xa9', '\x7f', '\x01', '\0', '\t'].map((text) =>
    refused(`65. ${JSON.stringify(text)} in the path → 400`, target(`/a${text}b`), [400]),
  ),
  goes('65. | [ ] pass in the path', request('GET', '/a|b[c]'), '/a|b[c]'),
  goes(
    '65. all of pchar passes in the path',
    request('GET', "/azAZ09-._~!$&'()*+,;=:@%20"),
    "/azAZ09-._~!$&'()*+,;=:@%20",
  ),
  goes(
    '65. a query is opaque',
    request('GET', '/a?"<>\\^{}`|[]50%&%zz=%00&a=../b/./c//?d?;'),
    '/a?"<>\\^{}`|[]50%&%zz=%00&a=../b/./c//?d?;',
  ),
  goes('65. an empty query stays', request('GET', '/a?'), '/a?'),
  ...['\x80', '\x7f', '\x01', '\0', '\xe9'].map((text) =>
    refused(`65. ${JSON.stringify(text)} in the query → 400`, target(`/a?b${text}c`), [400]),
  ),
  ...[
    '%00',
    '%0d%0a',
    '%0D',
    '%0a',
    '%zz',
    '%',
    '%4',
    '%g0',
    '%0g',
    '%%41',
    '%c0%af',
    '%C0%AE',
    '%e0%80%af',
    '%f0%80%80%af',
    '%2',
    '%u002f',
  ].map((text) => refused(`66. ${text} in the path → 400`, target(`/a${text}/b`), [400])),
  refused('66. % at the end of the path → 400', target('/a%'), [400]),
  refused('66. %0 at the end of the path, query behind → 400', target('/a%0?0'), [400]),
  ...['/caf%C3%A9', '/a%20b', '/%41', '/a%3Fb', '/a%23b', '/%E2%82%AC', '/a%25b'].map((value) =>
    forwarded(`66. ${value} passes`, request('GET', value), {
      check: ([first]) => assert.equal(decodeURIComponent(first!.start[1]), decodeURIComponent(value)),
    }),
  ),
  ...['/a%2fb', '/a%2Fb', '/%2f', '/a/..%2fb'].map((value) =>
    forwarded(`67. ${value}: %2f stays encoded`, request('GET', value), {
      check: ([first]) => assert.equal(first!.start[1].toLowerCase(), value.toLowerCase()),
    }),
  ),
  ...['/a%5cb', '/a%5C..%5Cb', '/..%5c'].map((value) => refused(`67. ${value} → 400`, target(value), [400])),
  ...[
    ['/a/../b', '/b'],
    ['/a/./b', '/a/b'],
    ['/./', '/'],
    ['/.', '/'],
    ['/a/..', '/'],
    ['/a/b/..', '/a/'],
    ['/a/b/../', '/a/'],
    ['/a/b/../../c', '/c'],
    ['/a/%2e%2e/b', '/b'],
    ['/a/.%2e/b', '/b'],
    ['/a/%2E./b', '/b'],
    ['/a/%2e/b', '/a/b'],
    ['/a/b/%2e%2E', '/a/'],
    ['/a/../b?x=../y', '/b?x=../y'],
    ['/a...b', '/a...b'],
    ['/.../x', '/.../x'],
    ['/..a/x', '/..a/x'],
    ['/a./x', '/a./x'],
    ['/.a/x', '/.a/x'],
    ['/a../x', '/a../x'],
  ].map(([sent, expected]) => goes(`68. ${sent} → ${expected}`, request('GET', sent!), expected!)),
  ...['/..', '/../a', '/a/../../b', '/%2e%2e/a', '/.%2e', '/a/b/../../../c', '/./../a', '/%2e/%2e%2e', '/../'].map(
    (value) => refused(`68. ${value} leaves the root → 400`, target(value), [400]),
  ),
  forwarded('68. normalised before routing: /x/../next', request('GET', '/x/../next'), {
    options: { rules: [{ match: { path: { type: 'Exact', value: '/next' } } }] },
  }),
  {
    name: '68. normalised before routing: /open/../closed/x is not /open',
    options: { rules: [{ match: { path: { type: 'Prefix', value: '/open' } } }] },
    run: async (lane) => {
      for (const value of ['/open/../closed/x', '/open/%2e%2e/closed', '/open/..']) {
        const answer = await lane.talk(request('GET', value), { answers: 1 });
        assert.deepEqual(answer.statuses, [404], show(answer));
      }
      await lane.verify(0);
    },
  },
  ...['/a/%252e%252e/b', '/%252e', '/a/%252fb', '/a%2500', '/a/%25%32%65'].map((value) =>
    forwarded(`69. ${value} is not decoded twice`, request('GET', value), {
      check: ([first]) => assert.ok(first!.start[1].toLowerCase().includes('%25'), first!.start[1]),
    }),
  ),
  ...[
    '/..;/x',
    '/a/..;/b',
    '/.;/',
    '/a/..;x=y/b',
    '/a/.;x',
    '/%2e%2e;/x',
    '/a/%2e%2e;',
    '/a/..;',
    '/a/.%2e;a/b',
    '/a/..%3b/b',
    '/a/.%3B/b',
  ].map((value) =>
    value.toLowerCase().includes('%3b')
      ? ({
          name: `70. ${value} → 400, or forwarded as it is`,
          run: async (lane) => {
            const answer = await lane.talk((talk) => [
              request('GET', value),
              () => talk.until(() => talk.answers.length === 1),
              FIN,
            ]);
            assert.ok([200, 400].includes(answer.statuses[0]!), show(answer));
            await lane.verify(answer.statuses[0] === 200 ? 1 : 0);
          },
        } satisfies Case)
      : refused(`70. ${value} → 400`, target(value), [400]),
  ),
  goes('70. ; is literal elsewhere', request('GET', '/a;x=y/b;c'), '/a;x=y/b;c'),
  goes('70. ;.. is no dot-segment', request('GET', '/a;../b'), '/a;../b'),
  ...['//', '/a//b', '//a', '/a//', '///'].map((value): Case => {
    const merged = value.replaceAll(/\/+/g, '/');
    return {
      name: `71. ${value}: the path that is matched is the path that is forwarded`,
      options: { rules: [exact(value), exact(merged)] },
      run: async (lane) => {
        const answer = await lane.talk(request('GET', value), { answers: 1 });
        assert.deepEqual(answer.statuses, [200], show(answer));
        await lane.verify(1);
        const [first] = lane.origin.requests;
        assert.deepEqual(valuesOf(first!, 'x-rule'), [first!.start[1]]);
      },
    };
  }),
];

function tag(value: string) {
  return { type: 'RequestHeaders', set: [{ name: 'X-Rule', value }], add: [], remove: [] } as const;
}

const strip: LaneOptions = {
  rules: [
    {
      match: { path: { type: 'Prefix', value: '/api' } },
      filters: [{ type: 'Rewrite', host: null, path: { type: 'Prefix', value: '/' } }],
    },
  ],
};
const stripped: Case[] = [
  ...[
    ['/api', '/'],
    ['/api/', '/'],
    ['/api/x', '/x'],
    ['/api/x?y=/api/z', '/x?y=/api/z'],
    ['/api/a%2fb', '/a%2fb'],
    ['/api/a/../b', '/b'],
    ['/x/../api/b', '/b'],
    ['/api;x=y', null],
    ['/%61pi/x', '/x'],
  ].map(([sent, expected]): Case => ({
    name: `72. prefix stripped from ${sent} → ${expected ?? '404 (another segment)'}`,
    options: strip,
    run: async (lane) => {
      const answer = await lane.talk(request('GET', sent!), { answers: 1 });
      if (expected === null || (sent === '/%61pi/x' && answer.statuses[0] === 404)) {
        assert.deepEqual(answer.statuses, [404], show(answer));
        return lane.verify(0);
      }
      assert.deepEqual(answer.statuses, [200], show(answer));
      await lane.verify(1);
      assert.equal(lane.origin.requests[0]!.start[1].toLowerCase(), expected);
    },
  })),
  ...[
    '/api../x',
    '/api%2e%2e/x',
    '/apix',
    '/api.',
    '/API/x',
    '/api/../x',
    '/api/..',
    '/x/api',
    '/api%2fx',
    '/api/../../x',
    '/api/%2e%2e/%2e%2e/x',
    '/api..;/x',
  ].map((sent): Case => ({
    name: `72. ${sent} is not under /api`,
    options: strip,
    run: async (lane) => {
      const answer = await lane.talk((talk) => [
        request('GET', sent),
        () => talk.until(() => talk.answers.length === 1),
        FIN,
      ]);
      assert.ok([400, 404].includes(answer.statuses[0]!), show(answer));
      await lane.verify(0);
    },
  })),
  {
    name: '72. what is left after stripping never leaves the root',
    options: strip,
    run: async (lane) => {
      for (const sent of [
        '/api/..%2f..%2fx',
        '/api//x',
        '/api//../x',
        '/api/.%2e%2fx',
        '/api/;/../x',
        '/api/%2e%2e%2fx',
      ]) {
        await lane.talk((talk) => [request('GET', sent), () => talk.until(() => talk.answers.length === 1), FIN]);
      }
      await lane.probe();
      for (const { start } of lane.origin.requests)
        assert.doesNotMatch(start[1], /(?:^|\/)(?:\.|%2e){1,2}(?:\/|\?|$)/i);
    },
  },
];

const count = 150;
const indexed: LaneOptions = {
  rules: [
    ...Array.from({ length: count }, (_, index) => ({
      match: { hosts: [`host${index}.example`] },
      filters: [tag(`host${index}`)],
    })),
    ...Array.from({ length: count }, (_, index) => ({
      match: { path: { type: 'Prefix', value: `/p${index}/caf%C3%A9` } as const },
      filters: [tag(`path${index}`)],
    })),
  ],
};
const many: Case[] = [
  {
    name: '73. among 300 rules, case of hosts and escaped paths decide as among few',
    options: indexed,
    run: async (lane) => {
      const asked: [string, string, string | null][] = [
        ['host0.example', '/', 'host0'],
        ['HOST149.EXAMPLE', '/', 'host149'],
        ['Host120.Example.:8080', '/x', 'host120'],
        ['host150.example', '/', null],
        ['x', '/p149/caf%C3%A9/z', 'path149'],
        ['x', '/p7/caf%c3%a9', 'path7'],
        ['x', '/p7/../p8/caf%C3%A9', 'path8'],
        ['x', '/p7/caf%C3%A9x', null],
        ['x', '/P7/caf%C3%A9', null],
        ['host3.example', '/p5/caf%C3%A9', 'host3'],
      ];
      for (const [host, path, rule] of asked) {
        const answer = await lane.talk(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, { answers: 1 });
        assert.deepEqual(answer.statuses, [rule === null ? 404 : 200], `${host}${path}: ${show(answer)}`);
        if (rule !== null) assert.deepEqual(valuesOf(lane.origin.requests.at(-1)!, 'x-rule'), [rule], `${host}${path}`);
      }
    },
  },
  {
    name: '74. a regular expression sees the bytes that are forwarded (latin1)',
    options: {
      rules: [
        { match: { headers: [{ name: 'x-one', type: 'Regex', value: '^.$' }] } },
        { match: { path: { type: 'Pattern', value: '^/%C3%A9$' } } },
      ],
    },
    run: async (lane) => {
      const cases: [string, string, number][] = [
        ['/', '\xe9', 200],
        ['/', '\xc3\xa9', 404],
        ['/', 'ab', 404],
        ['/%C3%A9', 'ab', 200],
      ];
      for (const [path, value, status] of cases) {
        const answer = await lane.talk(request('GET', path, `X-One: ${value}\r\n`), { answers: 1 });
        assert.deepEqual(answer.statuses, [status], `${path} ${JSON.stringify(value)}: ${show(answer)}`);
      }
    },
  },
  ...[
    'X-Forwarded-Host: shop.example',
    'X-Host: shop.example',
    'X-HTTP-Host-Override: shop.example',
    'Forwarded: host=shop.example',
    'X-Original-Host: shop.example',
  ].map((line): Case => ({
    name: `76. \`${line}\` does not route`,
    options: shop,
    run: async (lane) => {
      const answer = await lane.talk(request('GET', '/a', `${line}\r\n`), { answers: 1 });
      assert.deepEqual(answer.statuses, [404], show(answer));
      await lane.verify(0);
    },
  })),
  ...[
    'X-Original-URL: /next',
    'X-Rewrite-URL: /next',
    'X-HTTP-Method-Override: PUT',
    'X-Method-Override: PUT',
    'X-HTTP-Method: PUT',
  ].map((line): Case => ({
    name: `76. \`${line}\` does not route`,
    options: { rules: [{ match: { path: { type: 'Exact', value: '/next' } } }, { match: { methods: ['PUT'] } }] },
    run: async (lane) => {
      const answer = await lane.talk(request('GET', '/a', `${line}\r\n`), { answers: 1 });
      assert.deepEqual(answer.statuses, [404], show(answer));
      await lane.verify(0);
    },
  })),
];

suite('D. paths and routing', [...paths, ...stripped, ...many]);
