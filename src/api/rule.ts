/** A rule of a virtual server: what it matches, where it sends, what it changes. */
import { z } from 'zod';

import { atomicList, listMap, type Rule, withRules } from './cel.ts';
import { dnsLabel, duration, hostPattern, weight } from './common.ts';
import { filter, headerName } from './filters.ts';
import { rateLimit } from './rate-limit.ts';

export const destination = z.strictObject({
  server: dnsLabel.describe('Name of a RealServer of the same namespace.'),
  weight: weight
    .exactOptional()
    .describe("Share of the row: weight / sum of weights. 0 takes no new work. Absent: the RealServer's own weight."),
});

const PATH_EXPECTED =
  'for Exact and Prefix a path as it is after normalising: "/" first, no "//", no dot segment, no "?", "#", "\\", blank, %00, %2e or %5c';

/** What a normalised request path can be (the matcher sees no other), so that no rule can silently match nothing. */
const plainPath = /^\/([!$&-;=@-Z_a-z~]|%[0-9A-Fa-f]{2}|[|[\]])*$/;

const pathHygiene: Rule<{ type: string; value: string }> = {
  cel:
    "self.type in ['Regex', 'Pattern'] || (self.value.matches('^/([!$&-;=@-Z_a-z~]|%[0-9A-Fa-f]{2}|[|\\\\[\\\\]])*$')" +
    " && !self.value.matches('//|/[.][.]?(/|$)|%(00|2[eE]|5[cC])'))",
  message: PATH_EXPECTED,
  fieldPath: '.value',
  holds: (self) =>
    self.type === 'Regex' ||
    self.type === 'Pattern' ||
    (plainPath.test(self.value) && !/\/\/|\/\.\.?(\/|$)|%(00|2e|5c)/i.test(self.value)),
};

const path = withRules(
  z.strictObject({
    type: z
      .enum(['Exact', 'Prefix', 'Regex', 'Pattern'])
      .describe(
        'Exact: the whole path. Prefix: whole segments. Regex: RE2 syntax, matches the whole path. Pattern: POSIX extended regular expression, searched in the path, as KTCPVS does.',
      ),
    value: z
      .string()
      .min(1)
      .max(1024)
      .regex(/^\P{Cc}+$/u, { error: 'a text without control characters' })
      .describe('The path, prefix or expression. The query is no part of the path.'),
  }),
  [pathHygiene],
);

const valueMatch = (what: string, name: z.ZodString) =>
  withRules(
    z.strictObject({
      name: name.describe(`Name of the ${what}.`),
      type: z
        .enum(['Exact', 'Regex', 'Present'])
        .default('Exact')
        .describe('Exact: the whole value. Regex: RE2 syntax, matches the whole value. Present: any value.'),
      value: z
        .string()
        .max(1024)
        .regex(/^\P{Cc}*$/u, { error: 'a text without control characters' })
        .exactOptional()
        .describe('Value or expression; absent for Present.'),
    }),
    [
      {
        cel: "has(self.value) == (self.type != 'Present')",
        message: 'a value for Exact and Regex, and none for Present',
        fieldPath: '.value',
        holds: (self) => (self.value !== undefined) === (self.type !== 'Present'),
      },
    ],
  );

const queryName = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\p{Cc} &=#]+$/u, { error: 'a name without blanks, "&", "=" and "#"' });

export const match = withRules(
  z.strictObject({
    hosts: atomicList(hostPattern.describe('A host, or "*." and a suffix.'), 16)
      .default([])
      .describe('Hosts of the request, without port; none: any host.'),
    path: path.exactOptional().describe('Path of the request; absent: any path.'),
    methods: atomicList(
      z
        .string()
        .min(1)
        .max(32)
        .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: 'a method such as "GET" (RFC 9110 token, case-sensitive)' })
        .describe('A method.'),
      16,
    )
      .default([])
      .describe('Methods of the request; none: any method.'),
    headers: atomicList(valueMatch('header', headerName).describe('A header.'), 16)
      .default([])
      .describe('Headers that must all match.'),
    query: atomicList(valueMatch('query parameter', queryName).describe('A query parameter.'), 16)
      .default([])
      .describe('Query parameters that must all match.'),
    hashGroup: z
      .int()
      .min(0)
      .max(10)
      .default(0)
      .describe('Group of the Pattern whose text chooses the destination (scheduler hhttp); 0: by weight.'),
  }),
  [
    {
      cel: "self.hashGroup == 0 || (has(self.path) && self.path.type == 'Pattern')",
      message: '0, because only a path of type Pattern has groups to hash',
      fieldPath: '.hashGroup',
      holds: (self) => self.hashGroup === 0 || self.path?.type === 'Pattern',
    },
  ],
);

const timeouts = z.strictObject({
  request: duration.exactOptional().describe("From the request's last byte to the head of the answer; default 60s."),
  connect: duration.exactOptional().describe('To connect to a real server; default 1s.'),
  idle: duration
    .exactOptional()
    .describe('Without a byte either way while an answer streams or a tunnel is open; default 180s.'),
});

const retry = z.strictObject({
  attempts: z
    .int()
    .min(0)
    .max(10)
    .default(1)
    .describe(
      'Attempts beyond the first one after bytes of the request were sent, each at another destination. A connection that could not be made costs none: as long as nothing was sent, every other destination of the row may be tried, each once, whatever the method.',
    ),
  on: atomicList(
    z
      .string()
      .max(16)
      .regex(/^(ConnectFailure|Reset|[45][0-9][0-9])$/, {
        error: '"ConnectFailure", "Reset" or a status code of 400 to 599 as a string, such as "503"',
      })
      .describe('A failure.'),
    16,
  )
    .default(['ConnectFailure', 'Reset'])
    .describe(
      'What is tried again: ConnectFailure, Reset (closed without an answer), or a status code. Write the key in quotes, "on": kubectl reads YAML 1.1, in which a bare on means true.',
    ),
});

interface RuleShape {
  readonly app?: string;
  readonly servers?: readonly unknown[];
  readonly filters: readonly { type: string; rewrite?: PathOwner; redirect?: PathOwner }[];
  readonly match: { readonly path?: { readonly type: string } };
}
interface PathOwner {
  readonly path?: { readonly type: string };
}

const ruleRules: readonly Rule<RuleShape>[] = [
  {
    cel:
      'has(self.app) != has(self.servers) ||' +
      " (!has(self.app) && has(self.filters) && self.filters.exists(f, f.type == 'Redirect'))",
    message: 'exactly one of app and servers (neither where a filter redirects)',
    holds: (self) =>
      (self.app !== undefined) !== (self.servers !== undefined) ||
      (self.app === undefined && self.filters.some((each) => each.type === 'Redirect')),
  },
  {
    cel: "!has(self.filters) || self.filters.filter(f, f.type == 'Rewrite' || f.type == 'Redirect').size() <= 1",
    message: 'at most one filter of type Rewrite or Redirect',
    fieldPath: '.filters',
    holds: (self) => self.filters.filter((each) => each.type === 'Rewrite' || each.type === 'Redirect').length <= 1,
  },
  {
    cel:
      "!has(self.filters) || (has(self.match) && has(self.match.path) && self.match.path.type == 'Prefix') ||" +
      ' self.filters.all(f,' +
      " !(has(f.rewrite) && has(f.rewrite.path) && f.rewrite.path.type == 'Prefix') &&" +
      " !(has(f.redirect) && has(f.redirect.path) && f.redirect.path.type == 'Prefix'))",
    message: 'a path of type Full, because only a rule that matches by Prefix has a prefix to replace',
    fieldPath: '.filters',
    holds: (self) =>
      self.match.path?.type === 'Prefix' ||
      self.filters.every((each) => each.rewrite?.path?.type !== 'Prefix' && each.redirect?.path?.type !== 'Prefix'),
  },
];

export const rule = withRules(
  z.strictObject({
    name: dnsLabel.describe('Name of the rule, unique within the virtual server.'),
    match: match.prefault({}).describe('What the rule takes; all that is given must hold.'),
    app: dnsLabel.exactOptional().describe('App whose column of the matrix has the destinations; or `servers`.'),
    servers: listMap(destination.describe('A destination.'), 'server', 256)
      .min(1)
      .exactOptional()
      .describe('Destinations of the rule itself; or `app`.'),
    filters: atomicList(filter.describe('A filter.'), 16).default([]).describe('Changes, in order.'),
    timeouts: timeouts.prefault({}).describe('Time-outs, none of them infinite.'),
    retry: retry.prefault({}).describe('Second attempts.'),
    rateLimit: rateLimit
      .exactOptional()
      .describe('How many requests the rule takes, over all proxies together; what is more is answered 429.'),
  }),
  ruleRules,
);

export type RuleSpec = z.output<typeof rule>;
export type MatchSpec = z.output<typeof match>;
export type DestinationSpec = z.output<typeof destination>;
