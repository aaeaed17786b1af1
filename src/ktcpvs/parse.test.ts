import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { faultText, parseConfiguration } from './parse.ts';
import { BUILT_IN_SERVICES } from './services.ts';
import { parsed } from './test-objects.ts';

const EXAMPLE = `
# the configuration file of the READMEs
Virtual web {
    listen = 0.0.0.0:webcache
    scheduler = hhttp
    startservers = 8
    maxclients = 256
    minspareservers = 6
    maxspareservers = 18
    redirect = localhost:80
    server = 127.0.0.1:www 100
    rule = pattern "/users/([^/]+)/.*" match 1 use server 127.0.0.1:www
    rule = pattern "/appc/.*" match 0 weight 87 use server 127.0.0.1:www
}
`;

const server = (host: string, port: number) => ({ kind: 'Address', host, port }) as const;

const at = (line: number, column: number) => ({ line, column });

test('the example of the READMEs', () => {
  const [virtual, ...others] = parsed(EXAMPLE).virtuals;
  assert.deepEqual(others, []);
  assert.deepEqual(virtual, {
    ident: { namespace: 'default', name: 'web' },
    listen: { host: '0.0.0.0', port: 8080 },
    scheduler: 'hhttp',
    started: null,
    startServers: 8,
    maxClients: 256,
    minSpareServers: 6,
    maxSpareServers: 18,
    redirect: { host: 'localhost', port: 80 },
    servers: [{ ref: server('127.0.0.1', 80), weight: 100, at: at(11, 14) }],
    rules: [
      {
        kind: 'Pattern',
        pattern: '/users/([^/]+)/.*',
        match: 1,
        destinations: [{ ref: server('127.0.0.1', 80), weight: null, at: at(12, 59) }],
        at: at(12, 59),
      },
      {
        kind: 'Pattern',
        pattern: '/appc/.*',
        match: 0,
        destinations: [{ ref: server('127.0.0.1', 80), weight: 87, at: at(13, 60) }],
        at: at(13, 60),
      },
    ],
    at: at(3, 9),
  });
});

test('keywords in any case, patterns without quotes, ports left out, counts skipped, one rule per pattern', () => {
  const [virtual] = parsed(`VIRTUAL a { LISTEN = *:8000 Server = w1 server = w2 0
    Rule = Pattern /x/.* Weight 69 MATCH 0 conns 17440000000 USE Server w1  rule = pattern /x/.* use server w2:8000 }`).virtuals;
  assert.deepEqual(
    virtual?.servers.map(({ ref, weight }) => [ref, weight]),
    [
      [server('w1', 8000), 1],
      [server('w2', 8000), 0],
    ],
  );
  assert.equal(virtual?.rules.length, 1);
  const [rule] = virtual.rules;
  assert.deepEqual(
    rule?.destinations?.map(({ ref, weight }) => [ref, weight]),
    [
      [server('w1', 8000), 69],
      [server('w2', 8000), null],
    ],
  );
});

test('an empty file is an empty table', () => assert.deepEqual(parsed(' # nothing\n'), { virtuals: [] }));

const wrap = (body: string) => `virtual web {\n${body}\n}`;

for (const [text, expected] of [
  ['Virtua web { }', '1:1: read "Virtua", expected "Virtual"'],
  ['"Virtual" web { }', '1:1: read "Virtual", expected "Virtual"'],
  ['Virtual', '1:8: read the end of the file, expected the name of the virtual server'],
  ['Virtual Web { }', '1:9: read "Web", expected a name of lower-case letters'],
  ['Virtual web\nlisten = *:1', '2:1: read "listen", expected "{" after the name web'],
  ['Virtual web {', '1:14: read the end of the file, expected a keyword (listen, scheduler, started,'],
  ['Virtual web { } }', '1:17: read "}", expected "Virtual"'],
  ['Virtual a { }\nVirtual a { }', '2:9: read virtual server a a second time, expected it once (it stands in line 1)'],
  [wrap('listen=*:80'), '2:1: read "listen=*:80", expected a keyword'],
  [wrap('listen *:80'), '2:8: read "*:80", expected "=" between white space after listen'],
  [wrap('listen = *:nosuch'), '2:10: read "*:nosuch", expected a port from 1 to 65535, or the name of a TCP service'],
  [wrap('listen = *:80\nlisten = *:81'), '3:1: read listen a second time, expected it once (it stands in line 2)'],
  [wrap('scheduler = rr'), '2:13: read "rr", expected a scheduler: wlc, http, phttp, chttp, hhttp'],
  [wrap('started = maybe'), '2:11: read "maybe", expected yes or no'],
  [wrap('startservers = many'), '2:16: read "many", expected a whole number from 0 to 65535'],
  [wrap('redirect = r1'), '2:12: read "r1", expected HOST:PORT'],
  [wrap('server = w1:80 65536'), '2:16: read "65536", expected a whole number from 0 to 65535'],
  [
    wrap('server = w1:80 5 rules-only\nrule = pattern /a use server w1:80'),
    '2:18: read rules-only after weight 5, expected weight 0, or no such word',
  ],
  [wrap('server = w1:80 rules-only'), '2:10: read a server rules-only, expected a rule that names it'],
  [wrap('server = w1:80 heavy'), '2:16: read "heavy", expected a whole number from 0 to 65535'],
  [wrap('server = w1:80\nserver = W1:www 3'), '3:10: read server W1:www a second time, expected it once'],
  [wrap('server = 1.2.3.400:80'), '2:10: read "1.2.3.400:80", expected an IPv4 address'],
  [wrap('rule = patern /a use server w1'), '2:8: read "patern", expected "pattern"'],
  [wrap('server = w1\nrule = pattern "" use server w1'), '3:16: read an empty pattern, expected'],
  [
    wrap('server = w1\nrule = pattern /a match 11 use server w1'),
    '3:25: read "11", expected a whole number from 0 to 10',
  ],
  [wrap('server = w1\nrule = pattern /a weight 70000 use server w1'), '3:26: read "70000", expected'],
  [
    wrap('server = w1\nrule = pattern /(a) match 1 match 1 use server w1'),
    '3:29: read match a second time, expected it once',
  ],
  [wrap('server = w1\nrule = pattern /a server w1'), '3:19: read "server", expected "match", "weight" or "use server"'],
  [wrap('server = w1\nrule = pattern /a use w1'), '3:23: read "w1", expected "server" after "use"'],
  [wrap('server = w1\nrule = pattern /a use server w2'), '3:30: read "w2", expected a server of virtual server web'],
  [
    wrap('server = w1\nrule = pattern /a use server w1:81'),
    '3:30: read "w1:81", expected a server of virtual server web',
  ],
  [
    wrap('server = w1\nrule = pattern /a use server w1\nrule = pattern /a use server w1'),
    '4:30: read server w1 a second time for the same pattern, expected it once',
  ],
  [
    wrap(
      'server = w1\nserver = w2\nrule = pattern /(a)(b) match 1 use server w1\nrule = pattern /(a)(b) match 2 use server w2',
    ),
    '5:43: read match 2, expected match 1, as the same pattern has above',
  ],
  [wrap('server = "w1'), '2:10: read a quote that is not closed'],
  [
    wrap(`rule = pattern ${'a'.repeat(1025)} use server w1`),
    '2:16: read a pattern of 1025 characters, expected at most 1024',
  ],
] as const) {
  test(`fault: ${expected}`, () => {
    const result = parseConfiguration(text, BUILT_IN_SERVICES);
    assert.ok(!result.ok);
    const [fault] = result.faults;
    assert.ok(fault);
    assert.ok(faultText('f', fault).startsWith(`f:${expected}`), faultText('f', fault));
  });
}

test('several faults are told at once, in the order of the file, and not without end', () => {
  const two = parseConfiguration(wrap('scheduler = rr\nstarted = maybe'), BUILT_IN_SERVICES);
  assert.ok(!two.ok);
  assert.deepEqual(
    two.faults.map(({ line }) => line),
    [2, 3],
  );
  const many = parseConfiguration(wrap('started = maybe\n'.repeat(500)), BUILT_IN_SERVICES);
  assert.ok(!many.ok && many.faults.length === 20);
});

test('bounds: bytes of a file, rules of a virtual server', () => {
  const long = parseConfiguration('#'.repeat(8 * 1024 * 1024 + 1), BUILT_IN_SERVICES);
  assert.ok(!long.ok && long.faults[0]?.read.startsWith('a file of'));
  const rules = Array.from({ length: 257 }, (_, n) => `rule = pattern /${n} use server w1`).join('\n');
  const result = parseConfiguration(wrap(`server = w1\n${rules}`), BUILT_IN_SERVICES);
  assert.ok(!result.ok && result.faults[0]?.read === '257 rules');
});

test('whatever the words and their order: a table or a fault', () => {
  const words = ['virtual', 'web', '{', '}', '=', 'listen', 'server', 'w1', 'w1:80', 'rule', 'pattern', '"/a"', 'use'];
  const word = fc.constantFrom(...words, 'weight', '5', 'match', 'keep', '\n', '"', '#x\n');
  fc.assert(
    fc.property(fc.array(word, { maxLength: 40 }), (list) => {
      const result = parseConfiguration(list.join(' '), BUILT_IN_SERVICES);
      assert.ok(result.ok || result.faults.length > 0);
    }),
    { numRuns: 2000 },
  );
});
