/** RealServer: a host that serves: a fixed address, a cluster node, a pool of nodes, or a Service's endpoints. */
import { z } from 'zod';

import { listMap, withRules } from './cel.ts';
import {
  address,
  className,
  classIsImmutable,
  dnsLabel,
  dnsSubdomain,
  duration,
  port,
  quantity,
  secretRef,
  secretRefs,
  serviceRef,
  text,
  weight,
} from './common.ts';
import { conditions, observedGeneration, pending } from './status.ts';

const healthCheck = z.strictObject({
  path: z
    .string()
    .max(1024)
    .regex(/^\/[!-~]*$/, { error: 'a path that begins with "/"' })
    .default('/')
    .describe('Path that is asked for; an answer of 200 to 399 is healthy.'),
  interval: duration.default('2s').describe('Time from the end of a check to the next one.'),
  timeout: duration.default('1s').describe('Time in which the answer must be there.'),
  healthy: z.int().min(1).max(100).default(2).describe('Successes in a row that bring an endpoint back.'),
  unhealthy: z.int().min(1).max(100).default(2).describe('Failures in a row that take an endpoint out.'),
});

const labelValue = z
  .string()
  .max(63)
  .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/, { error: 'the value of a label' });

export const realServerSpec = withRules(
  z.strictObject({
    className,
    address: address.exactOptional().describe('A fixed host: IP address or DNS name.'),
    port: port.exactOptional().describe('Port at the address, for every app that has none of its own in `ports`.'),
    ports: listMap(
      z
        .strictObject({ app: dnsLabel.describe('Name of the app.'), port: port.describe('Its port at the address.') })
        .describe("An app's port."),
      'app',
      512,
    )
      .default([])
      .describe('Ports at the address that belong to one app each.'),
    nodeName: dnsSubdomain
      .exactOptional()
      .describe("A cluster node: for an app, the ready endpoints of the app's Service that run there."),
    nodeSelector: z
      .record(z.string(), labelValue)
      .meta({ maxProperties: 16 })
      .exactOptional()
      .describe('Labels of nodes: the same for a pool of nodes, as one row.'),
    serviceRef: serviceRef.exactOptional().describe('A Service: every ready endpoint of it.'),
    weight: weight.default(1).describe('Used where a destination does not say.'),
    quiesce: z.boolean().default(false).describe('Takes no new work and finishes what it has.'),
    maxConnections: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(0)
      .describe(
        "Most requests (or connections of TCP) at once, per endpoint; 0 = the installation's default, which is finite.",
      ),
    maxPending: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(0)
      .describe(
        'Most of them that wait for a connection to be made, per endpoint; 0 = no limit beyond maxConnections.',
      ),
    concurrency: z
      .enum(['Fixed', 'Adaptive'])
      .default('Fixed')
      .describe(
        'Adaptive: below maxConnections, as many requests at once as do not make the server slower; found by measuring, per endpoint. For HTTP alone.',
      ),
    slowStart: duration
      .exactOptional()
      .describe(
        'Time in which an endpoint that becomes available comes to its whole share, in ten steps; at once where absent, where nothing else of its row is warm, and for what is chosen by a hash.',
      ),
    capacity: z
      .strictObject({
        cpu: quantity.exactOptional().describe('Cores.'),
        memory: quantity.exactOptional().describe('Bytes.'),
        io: quantity.exactOptional().describe('Bytes per second of storage.'),
        net: quantity.exactOptional().describe('Bytes per second of network.'),
        pods: quantity.exactOptional().describe('Number of pods.'),
        requests: z
          .int()
          .min(1)
          .max(1_000_000)
          .exactOptional()
          .describe('Requests in flight of all apps together; needed where caps are computed, which divide it.'),
      })
      .exactOptional()
      .describe("For placement; default: the node's allocatable resources."),
    healthCheck: healthCheck.exactOptional().describe('Active checks; none where absent.'),
    protocol: z
      .enum(['HTTP1', 'H2C', 'HTTPS', 'H2'])
      .default('HTTP1')
      .describe(
        'How the server is spoken to: HTTP1 = HTTP/1.1; H2C = HTTP/2 without TLS, many requests over few connections (gRPC); HTTPS = HTTP/1.1 through TLS; H2 = HTTP/2 through TLS, never anything else.',
      ),
    proxyProtocol: z
      .enum(['None', 'V1', 'V2'])
      .default('None')
      .describe(
        'V1, V2: connections to the server begin with a PROXY protocol header of that version, which names the client. A connection then serves one client only.',
      ),
    tls: z
      .strictObject({
        hostname: address
          .exactOptional()
          .describe("Name that the certificate must have; default: the server's address."),
        caCertificateRefs: secretRefs("Secrets whose ca.crt signs the server's certificate; default: the system's."),
        clientCertificateRef: secretRef.exactOptional().describe('Secret of type kubernetes.io/tls to show.'),
      })
      .exactOptional()
      .describe('For protocols HTTPS and H2.'),
  }),
  [
    {
      cel: '[has(self.address), has(self.nodeName), has(self.nodeSelector), has(self.serviceRef)].filter(x, x).size() == 1',
      message: 'exactly one of address, nodeName, nodeSelector and serviceRef',
      holds: (self) =>
        [self.address, self.nodeName, self.nodeSelector, self.serviceRef].filter((each) => each !== undefined)
          .length === 1,
    },
    {
      cel: '!has(self.address) || has(self.port) || (has(self.ports) && size(self.ports) > 0)',
      message: 'a port (or ports) beside address',
      fieldPath: '.port',
      holds: (self) => self.address === undefined || self.port !== undefined || self.ports.length > 0,
    },
    {
      cel: 'has(self.address) || (!has(self.port) && (!has(self.ports) || size(self.ports) == 0))',
      message: 'port and ports only beside address; a Service and a node have their own',
      fieldPath: '.port',
      holds: (self) => self.address !== undefined || (self.port === undefined && self.ports.length === 0),
    },
    {
      cel: '!has(self.nodeSelector) || size(self.nodeSelector) > 0',
      message: 'at least one label',
      fieldPath: '.nodeSelector',
      holds: (self) => self.nodeSelector === undefined || Object.keys(self.nodeSelector).length > 0,
    },
    {
      cel: "!has(self.tls) || self.protocol in ['HTTPS', 'H2']",
      message: 'tls only with protocol HTTPS or H2',
      fieldPath: '.tls',
      holds: (self) => self.tls === undefined || self.protocol === 'HTTPS' || self.protocol === 'H2',
    },
    {
      cel: "self.proxyProtocol == 'None' || !(self.protocol in ['H2C', 'H2'])",
      message: 'None with protocols H2C and H2, whose connections carry the requests of many clients',
      fieldPath: '.proxyProtocol',
      holds: (self) => self.proxyProtocol === 'None' || (self.protocol !== 'H2C' && self.protocol !== 'H2'),
    },
  ],
  [classIsImmutable],
);

export const realServerStatus = z.strictObject({
  observedGeneration,
  conditions: conditions
    .default(pending(['Accepted', 'Ready']))
    .describe('Accepted, ResolvedRefs, Healthy, Quiesced, Ready.'),
  host: text(512).exactOptional().describe('What the server is, in one text, for lists.'),
  endpoints: z
    .strictObject({
      total: z.int().min(0).max(1_000_000).describe('Endpoints there are.'),
      ready: z.int().min(0).max(1_000_000).exactOptional().describe('Endpoints that take new work.'),
    })
    .exactOptional()
    .describe('Endpoints, counted together with another change.'),
});

export type RealServerSpec = z.output<typeof realServerSpec>;
export type RealServerStatus = z.output<typeof realServerStatus>;
