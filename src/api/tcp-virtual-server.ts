/** TcpVirtualServer: a service that listens and whose requests are dispatched. */
import { z } from 'zod';

import { atomicList, listMap, withRules } from './cel.ts';
import {
  address,
  className,
  classIsImmutable,
  dnsLabel,
  duration,
  ipAddress,
  port,
  secretRef,
  secretRefs,
  text,
} from './common.ts';
import { queue } from './queue.ts';
import { rateLimit } from './rate-limit.ts';
import { destination, rule } from './rule.ts';
import { conditions, observedGeneration, pending } from './status.ts';

const filePath = z
  .string()
  .min(1)
  .max(4096)
  .regex(/^\P{Cc}+$/u, { error: 'a path of a file' });

const listenerTls = z.strictObject({
  certificateRefs: secretRefs('Secrets of type kubernetes.io/tls; the certificate is chosen by SNI.'),
  certificateFiles: atomicList(
    z
      .strictObject({
        certificate: filePath.describe('File with the certificate chain, PEM.'),
        key: filePath.describe('File with the private key, PEM.'),
      })
      .describe('A certificate.'),
    16,
  )
    .default([])
    .describe('Certificates in files, watched; standalone only.'),
  minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2').describe('Oldest version of TLS that is accepted.'),
  clientValidation: z
    .strictObject({
      caCertificateRefs: atomicList(secretRef.describe('A Secret.'), 16)
        .min(1)
        .describe('Secrets whose ca.crt signs the certificates that are accepted.'),
    })
    .exactOptional()
    .describe('Asks clients for a certificate.'),
});

const listener = withRules(
  z.strictObject({
    name: dnsLabel.describe('Name of the listener.'),
    address: ipAddress
      .exactOptional()
      .describe('IP address to bind, standalone only; default "::", which takes IPv6 and IPv4.'),
    port: port.describe('Port to listen on. Virtual servers with the same port share one listener.'),
    protocol: z
      .enum(['HTTP', 'HTTPS', 'TCP', 'TLS'])
      .default('HTTP')
      .describe('TLS is passed through, dispatched by SNI.'),
    tls: listenerTls.exactOptional().describe('For HTTPS: certificates and versions.'),
    proxyProtocol: z
      .enum(['None', 'Accept'])
      .default('None')
      .describe('Accept: connections begin with a PROXY protocol header, version 1 or 2.'),
  }),
  [
    {
      cel: "(self.protocol == 'HTTPS') == has(self.tls)",
      message: 'tls for protocol HTTPS, and for no other',
      fieldPath: '.tls',
      holds: (self) => (self.protocol === 'HTTPS') === (self.tls !== undefined),
    },
    {
      cel:
        '!has(self.tls) || (has(self.tls.certificateRefs) && size(self.tls.certificateRefs) > 0) ||' +
        ' (has(self.tls.certificateFiles) && size(self.tls.certificateFiles) > 0)',
      message: 'at least one certificate, in certificateRefs or certificateFiles',
      fieldPath: '.tls',
      holds: (self) =>
        self.tls === undefined || self.tls.certificateRefs.length > 0 || self.tls.certificateFiles.length > 0,
    },
  ],
);

const count = z.int().min(0).max(65535).exactOptional();
const bytes = (max: number) => z.int().min(0).max(max);

const limits = z.strictObject({
  maxClients: z
    .int()
    .min(0)
    .max(1_000_000)
    .exactOptional()
    .describe('Most client connections at once; default 10000, 0 = unlimited.'),
  headerBytes: bytes(65_536)
    .exactOptional()
    .describe("Longest head of a request; default 16384, 0 = the proxy's own bound."),
  bodyBytes: bytes(2 ** 50)
    .meta({ format: 'int64' })
    .exactOptional()
    .describe('Longest body of a request; default 0 = unlimited.'),
  requestsPerConnection: z
    .int()
    .min(0)
    .max(1_000_000_000)
    .exactOptional()
    .describe('Requests after which a client connection is closed; default 0 = unlimited.'),
  keepAliveTimeout: duration.exactOptional().describe('Idle time between two requests; default 75s.'),
  headTimeout: duration.exactOptional().describe('For the whole head of a request; default 10s.'),
  readTimeout: duration.exactOptional().describe("Longest time without a byte of a request's body; default 60s."),
  writeTimeout: duration
    .exactOptional()
    .describe('Longest time in which the peer takes none of what waits to be written; default 60s.'),
});

export const tcpVirtualServerSpec = withRules(
  z.strictObject({
    className,
    suspend: z.boolean().default(false).describe('Does not listen; what `tcpvsadm --stop` sets and `--start` clears.'),
    listeners: listMap(listener.describe('A listener.'), 'name', 16).min(1).describe('Where connections are taken.'),
    scheduler: z
      .enum(['wlc', 'http', 'phttp', 'chttp', 'hhttp'])
      .default('http')
      .describe(
        "KTCPVS's schedulers. wlc: per connection, weighted least connections. http, phttp: per request, by rule. chttp: a session keeps its destination by a cookie. hhttp: a group of the pattern is hashed, or by weight.",
      ),
    balance: z
      .enum(['RoundRobin', 'LeastConnections', 'PowerOfTwo', 'PeakEwma'])
      .exactOptional()
      .describe(
        'How a destination is chosen among those of a row; RoundRobin is exact. Default: RoundRobin for hhttp, else LeastConnections.',
      ),
    servers: listMap(destination.describe('A destination.'), 'server', 256)
      .default([])
      .describe('Destinations of the virtual server itself, for what no rule takes.'),
    rules: atomicList(rule.describe('A rule.'), 256)
      .default([])
      .describe('Tried in order; a catch-all (Pattern ".*" or "^/.*") is always tried last.'),
    matrixRefs: listMap(
      z
        .strictObject({ name: dnsLabel.describe('Name of an AppWeightMatrix of the same namespace.') })
        .describe('A matrix.'),
      'name',
      16,
    )
      .default([])
      .describe("Matrices whose columns are the rules' apps."),
    redirect: z
      .strictObject({ address: address.describe('IP address or DNS name.'), port: port.describe('Port.') })
      .exactOptional()
      .describe('Where everything goes when no destination is available.'),
    startServers: count.describe("KTCPVS's startservers; kept and listed."),
    minSpareServers: count.describe("KTCPVS's minspareservers; kept and listed."),
    maxSpareServers: count.describe("KTCPVS's maxspareservers; kept and listed."),
    rateLimit: rateLimit
      .exactOptional()
      .describe(
        'How many requests (connections, with scheduler wlc) the virtual server takes, over all proxies together; what is more is answered 429, or reset.',
      ),
    queue: queue
      .exactOptional()
      .describe(
        'Requests for which no server has room wait for it, in the order in which they came to their rule. Without it they are answered 503 at once. For HTTP alone.',
      ),
    limits: limits.prefault({}).describe('Sizes, counts and time-outs of client connections.'),
  }),
  [
    {
      cel: "self.listeners.all(l, (self.scheduler == 'wlc') == (l.protocol in ['TCP', 'TLS']))",
      message: 'scheduler wlc with listeners of protocol TCP or TLS, the other schedulers with HTTP or HTTPS',
      fieldPath: '.listeners',
      holds: (self) =>
        self.listeners.every(
          ({ protocol }) => (self.scheduler === 'wlc') === (protocol === 'TCP' || protocol === 'TLS'),
        ),
    },
    {
      cel: "!has(self.queue) || self.scheduler != 'wlc'",
      message: 'queue with a scheduler of requests: connections, which wlc dispatches, do not wait',
      fieldPath: '.queue',
      holds: (self) => self.queue === undefined || self.scheduler !== 'wlc',
    },
    {
      cel:
        'self.listeners.all(l, self.listeners.exists_one(m, m.port == l.port &&' +
        " (has(m.address) ? m.address : '::') == (has(l.address) ? l.address : '::')))",
      message: 'listeners that differ in address or port',
      fieldPath: '.listeners',
      holds: (self) =>
        new Set(self.listeners.map((each) => `${each.address ?? '::'} ${each.port}`)).size === self.listeners.length,
    },
    {
      // Not by exists_one within all: with 256 rules that takes seconds of the API server's time, for every change.
      cel:
        '!has(self.rules) || [self.rules.map(r, r.name)].all(names,' +
        ' names.all(n, names.indexOf(n) == names.lastIndexOf(n)))',
      message: 'rules with names of their own',
      fieldPath: '.rules',
      holds: (self) => new Set(self.rules.map((each) => each.name)).size === self.rules.length,
    },
  ],
  [classIsImmutable],
);

const small = listMap(
  z
    .strictObject({
      name: dnsLabel.describe('Name of the rule.'),
      conditions: conditions.default([]).describe('What is not in order.'),
    })
    .describe('A rule.'),
  'name',
  256,
);

export const tcpVirtualServerStatus = z.strictObject({
  observedGeneration,
  conditions: conditions
    .default(pending(['Accepted', 'Programmed', 'Ready']))
    .describe('Accepted, ResolvedRefs, Programmed, Ready.'),
  ports: text(256).exactOptional().describe('Ports and protocols in one text, for lists.'),
  ruleCount: z.int().min(0).max(256).exactOptional().describe('Number of rules.'),
  replicas: z
    .strictObject({
      programmed: z.int().min(0).max(1_000_000).describe('Proxies that serve this generation.'),
      total: z.int().min(0).max(1_000_000).describe('Proxies there are.'),
    })
    .exactOptional()
    .describe('Proxies, counted together with another change.'),
  addresses: atomicList(
    z
      .strictObject({
        type: z.enum(['IPAddress', 'Hostname']).describe('Kind of address.'),
        value: address.describe('The address.'),
      })
      .describe('An address.'),
    16,
  )
    .default([])
    .describe('Where clients reach the virtual server.'),
  listeners: listMap(
    z
      .strictObject({
        name: dnsLabel.describe('Name of the listener.'),
        attachedRules: z.int().min(0).max(256).describe('Rules that are served on it.'),
        conditions: conditions.default([]).describe('Accepted, Programmed.'),
      })
      .describe('A listener.'),
    'name',
    16,
  )
    .default([])
    .describe('Per listener.'),
  rules: small.default([]).describe('Only rules that are not in order.'),
});

export type TcpVirtualServerSpec = z.output<typeof tcpVirtualServerSpec>;
export type TcpVirtualServerStatus = z.output<typeof tcpVirtualServerStatus>;
export type ListenerSpec = TcpVirtualServerSpec['listeners'][number];
