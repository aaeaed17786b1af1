/** Filters of a rule: one object type with a member per type, because unions are not structural. */
import { z } from 'zod';

import { atomicList, type Rule, withRules } from './cel.ts';
import { address, dnsLabel, port } from './common.ts';

/** RFC 9110 §5.6.2 token. */
export const headerName = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: 'a header name (RFC 9110 token)' });

/** RFC 9110 §5.5: visible characters, spaces and tabs within; never CR, LF or NUL. */
const headerValue = z
  .string()
  .max(4096)
  .regex(/^([!-~]([\t -~]*[!-~])?)?$/, { error: 'a header value: visible ASCII, no blanks around it' });

/** Framing and hop-by-hop fields are the proxy's own (RFC 9112 §6, RFC 9110 §7.6.1); Host is set by a Rewrite. */
const RESERVED = [
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];
const RESERVED_EXPECTED = `a header that is not the proxy's own (${RESERVED.join(', ')})`;

const changedHeaderName = withRules(headerName, [
  {
    cel: `!(self.lowerAscii() in [${RESERVED.map((name) => `'${name}'`).join(', ')}])`,
    message: RESERVED_EXPECTED,
    holds: (self) => !RESERVED.includes(self.toLowerCase()),
  },
]);

const field = z.strictObject({
  name: changedHeaderName.describe('Name of the header, in any case.'),
  value: headerValue.describe('Its value.'),
});

const headerChange = z.strictObject({
  set: atomicList(field.describe('A header.'), 16).default([]).describe('Headers that replace those of the same name.'),
  add: atomicList(field.describe('A header.'), 16)
    .default([])
    .describe('Headers that are added to those of the same name.'),
  remove: atomicList(changedHeaderName.describe('Name of a header.'), 16)
    .default([])
    .describe('Headers that are taken away.'),
});

const pathRewrite = z.strictObject({
  type: z.enum(['Full', 'Prefix']).describe('Full replaces the whole path; Prefix what the rule’s Prefix matched.'),
  value: z
    .string()
    .max(1024)
    .regex(/^\/([!$&-;=@-Z_a-z~]|%[0-9A-Fa-f]{2}|[|[\]])*$/, { error: 'a path that begins with "/"' })
    .describe('The new path, or the new prefix.'),
});

const statusCode = z.int().min(301).max(308).meta({ format: 'int32' });

const redirect = withRules(
  z.strictObject({
    scheme: z.enum(['http', 'https']).exactOptional().describe('Scheme of the new location; as it was where absent.'),
    host: address.exactOptional().describe('Host of the new location; as it was where absent.'),
    port: port.exactOptional().describe('Port of the new location; that of the scheme where absent.'),
    path: pathRewrite.exactOptional().describe('Path of the new location; as it was where absent.'),
    status: statusCode.default(302).describe('Status of the answer: 301, 302, 303, 307 or 308.'),
  }),
  [
    {
      cel: 'self.status in [301, 302, 303, 307, 308]',
      message: 'one of 301, 302, 303, 307, 308',
      fieldPath: '.status',
      holds: (self) => [301, 302, 303, 307, 308].includes(self.status),
    },
  ],
);

const MEMBERS = {
  Rewrite: 'rewrite',
  Redirect: 'redirect',
  RequestHeaders: 'requestHeaders',
  ResponseHeaders: 'responseHeaders',
  Mirror: 'mirror',
} as const;

type Flat = { readonly type: keyof typeof MEMBERS } & {
  readonly [member in (typeof MEMBERS)[keyof typeof MEMBERS]]?: unknown;
};

const exactlyItsMember: Rule<Flat> = {
  cel: Object.entries(MEMBERS)
    .map(([type, member]) => `(self.type == '${type}') == has(self.${member})`)
    .join(' && '),
  message: 'exactly the member that belongs to the type: Rewrite has rewrite, Redirect has redirect, and so on',
  holds: (self) =>
    Object.entries(MEMBERS).every(([type, member]) => (self.type === type) === (self[member] !== undefined)),
};

export const filter = withRules(
  z.strictObject({
    type: z
      .enum(['Rewrite', 'Redirect', 'RequestHeaders', 'ResponseHeaders', 'Mirror'])
      .describe('What the filter does; the member of the same name says how.'),
    rewrite: z
      .strictObject({
        host: address.exactOptional().describe('New Host of the request.'),
        path: pathRewrite.exactOptional().describe('New path of the request.'),
      })
      .exactOptional()
      .describe('Changes the request before it is forwarded.'),
    redirect: redirect.exactOptional().describe('Answers with another location; nothing is forwarded.'),
    requestHeaders: headerChange.exactOptional().describe('Changes the headers of the request.'),
    responseHeaders: headerChange.exactOptional().describe('Changes the headers of the answer.'),
    mirror: z
      .strictObject({
        server: dnsLabel.describe('RealServer that gets a copy.'),
        percent: z.int().min(0).max(100).default(100).describe('Share of the requests that are copied.'),
      })
      .exactOptional()
      .describe('Sends a copy of the request elsewhere; its answer is ignored.'),
  }),
  [exactlyItsMember],
);

export type FilterSpec = z.output<typeof filter>;
