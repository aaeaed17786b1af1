/** values.schema.json: which values there are, and what each may be. Strict: Helm refuses a key that it does not know. */
import type { DocumentedValue } from './values.ts';

export interface Schema {
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  readonly [keyword: string]: unknown;
}

/** The whole, with the comments of values.yaml as descriptions. Errors: a documented value that is not in the schema. */
export function valuesSchema(documented: readonly DocumentedValue[]): Schema {
  const schema: Schema = structuredClone({
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of the chart tcpvs',
    ...object(TOP),
    definitions: DEFINITIONS,
  });
  for (const { path, comment } of documented) {
    let at: Schema | undefined = schema;
    for (const key of path) at = at?.properties?.[key];
    if (at === undefined) throw new Error(`values-schema.ts does not know ${path.join('.')}, which values.yaml has`);
    at.description = comment;
  }
  return schema;
}

const object = (properties: Record<string, Schema>, rest: Record<string, unknown> = {}): Schema => ({
  type: 'object',
  additionalProperties: false,
  properties,
  ...rest,
});
/** As an object of its own each time: descriptions differ. Draft 7 ignores what stands beside a bare `$ref`. */
const definition = (name: keyof typeof DEFINITIONS): Schema => ({ allOf: [{ $ref: `#/definitions/${name}` }] });
const list = (items: Schema, rest: Record<string, unknown> = {}): Schema => ({ type: 'array', items, ...rest });
const integer = (minimum: number, maximum: number): Schema => ({ type: 'integer', minimum, maximum });
const pattern = (text: string): Schema => ({ type: 'string', pattern: text });
const oneOf = (...values: string[]): Schema => ({ enum: values });
const flag = (): Schema => ({ type: 'boolean' });
const text = (): Schema => ({ type: 'string' });
/** What Kubernetes itself checks. */
const anyObject = (): Schema => ({ type: 'object' });
const when = (condition: Record<string, unknown>, then: Schema): Schema => ({
  if: {
    properties: Object.fromEntries(Object.entries(condition).map(([key, value]) => [key, { const: value }])),
    required: Object.keys(condition),
  },
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  then,
});

const NAME = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';

const DEFINITIONS = {
  strings: { type: 'object', additionalProperties: { type: 'string' } },
  namespaces: list(pattern(`^${NAME}$`), { uniqueItems: true }),
  namespacePatterns: list({ ...pattern('^([a-z0-9][-a-z0-9]*)?\\*?$'), minLength: 1 }, { minItems: 1 }),
  networks: list(pattern('^[0-9a-fA-F:.]+/[0-9]{1,3}$')),
  highPort: integer(1024, 65_535),
  logLevel: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
  quantity: {
    oneOf: [pattern('^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$'), { type: 'integer', minimum: 0 }],
  },
  quantities: { type: 'object', additionalProperties: { $ref: '#/definitions/quantity' } },
  resources: object({
    requests: { $ref: '#/definitions/quantities' },
    limits: { $ref: '#/definitions/quantities' },
    claims: list(anyObject()),
  }),
} satisfies Record<string, Schema>;

const pods = (): Record<string, Schema> => ({
  serviceAccountAnnotations: definition('strings'),
  podAnnotations: definition('strings'),
  podLabels: definition('strings'),
  nodeSelector: definition('strings'),
  tolerations: list(anyObject()),
  affinity: anyObject(),
  topologySpreadConstraints: list({ type: 'object', required: ['topologyKey', 'maxSkew', 'whenUnsatisfiable'] }),
  priorityClassName: text(),
});

const hostRule = object(
  {
    namespaces: definition('namespacePatterns'),
    hosts: list(pattern('^(\\*|(\\*\\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?)$'), { minItems: 1 }),
  },
  { required: ['namespaces', 'hosts'] },
);

const addressRule = object(
  {
    namespaces: definition('namespacePatterns'),
    cidrs: definition('networks'),
    dnsSuffixes: list(pattern('^(\\*|[a-z0-9]([-a-z0-9.]*[a-z0-9])?)$')),
  },
  { required: ['namespaces'] },
);

const namedSecrets = object(
  { namespace: pattern(`^${NAME}$`), names: list({ type: 'string', minLength: 1 }, { minItems: 1 }) },
  { required: ['namespace', 'names'] },
);

const noLoadBalancer = { loadBalancerClass: { const: '' }, loadBalancerSourceRanges: { maxItems: 0 } };

const service = object(
  {
    type: oneOf('ClusterIP', 'NodePort', 'LoadBalancer'),
    ports: list(
      object(
        {
          name: { ...pattern('^[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$'), not: { const: 'admin' } },
          port: integer(1, 65_535),
          nodePort: integer(1, 65_535),
          appProtocol: text(),
        },
        { required: ['name', 'port'] },
      ),
      { minItems: 1, maxItems: 100 },
    ),
    annotations: definition('strings'),
    externalTrafficPolicy: oneOf('', 'Cluster', 'Local'),
    internalTrafficPolicy: oneOf('', 'Cluster', 'Local'),
    loadBalancerClass: text(),
    loadBalancerSourceRanges: definition('networks'),
    ipFamilyPolicy: oneOf('', 'SingleStack', 'PreferDualStack', 'RequireDualStack'),
    ipFamilies: list(oneOf('IPv4', 'IPv6'), { maxItems: 2, uniqueItems: true }),
  },
  {
    allOf: [
      when({ type: 'ClusterIP' }, { properties: { externalTrafficPolicy: { const: '' }, ...noLoadBalancer } }),
      when({ type: 'NodePort' }, { properties: noLoadBalancer }),
    ],
  },
);

const controller = object({
  replicas: integer(1, 10),
  logLevel: definition('logLevel'),
  port: definition('highPort'),
  adminPort: definition('highPort'),
  resources: definition('resources'),
  podDisruptionBudget: flag(),
  minReadySeconds: integer(0, 3600),
  terminationGracePeriodSeconds: integer(1, 3600),
  ...pods(),
});

const inEveryPort = (rule: Schema): Schema => ({
  properties: { service: { properties: { ports: { items: { properties: { port: rule } } } } } },
});

const proxy = object(
  {
    kind: oneOf('Deployment', 'DaemonSet'),
    replicas: integer(0, 1000),
    hostNetwork: flag(),
    logLevel: definition('logLevel'),
    accessLog: { type: 'number', minimum: 0, maximum: 1 },
    tracing: object({
      endpoint: pattern('^(https?://[^@?#]+)?$'),
      sample: { type: 'number', minimum: 0, maximum: 1 },
      headersSecret: pattern('^([a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?)?$'),
    }),
    workers: integer(0, 16),
    metricSeries: integer(0, 1_000_000),
    adminPort: definition('highPort'),
    stateSize: definition('quantity'),
    resources: definition('resources'),
    drain: object({
      preStopSeconds: integer(1, 3600),
      delaySeconds: integer(0, 3600),
      timeoutSeconds: integer(1, 86_400),
    }),
    maxSurge: { oneOf: [integer(1, 1000), pattern('^(100|[1-9][0-9]?)%$')] },
    minReadySeconds: integer(0, 3600),
    podDisruptionBudget: flag(),
    autoscaling: object({
      enabled: flag(),
      minReplicas: integer(1, 1000),
      maxReplicas: integer(1, 1000),
      targetCPUUtilizationPercentage: integer(1, 1000),
      metrics: list(anyObject()),
      behavior: anyObject(),
    }),
    service,
    ...pods(),
  },
  {
    allOf: [
      {
        $comment: "The sysctl for ports below 1024 is not there with the node's own network.",
        ...when({ hostNetwork: true }, inEveryPort({ minimum: 1024 })),
      },
      {
        $comment: 'A DaemonSet has one pod a node: nothing to scale.',
        ...when({ kind: 'DaemonSet' }, { properties: { autoscaling: { properties: { enabled: { const: false } } } } }),
      },
    ],
  },
);

const TOP: Record<string, Schema> = {
  global: { type: 'object', description: 'Helm hands it to every chart; nothing in this one uses it.' },
  fullnameOverride: pattern('^([a-z]([-a-z0-9]{0,46}[a-z0-9])?)?$'),
  className: pattern(`^${NAME}$`),
  watchNamespaces: definition('namespaces'),
  commonLabels: definition('strings'),
  image: object({
    repository: { ...pattern('^[^\\s@]+$'), minLength: 1 },
    tag: pattern('^([A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$'),
    digest: pattern('^(sha256:[0-9a-f]{64})?$'),
    pullPolicy: oneOf('Always', 'IfNotPresent', 'Never'),
    pullSecrets: list(object({ name: text() }, { required: ['name'] })),
  }),
  crds: object({ install: flag() }),
  policy: object({ hostPolicy: list(hostRule), addressPolicy: list(addressRule) }),
  trustedProxies: definition('networks'),
  publish: object({
    service: pattern('^([a-z0-9][-a-z0-9]*/[a-z0-9][-a-z0-9]*)?$'),
    addresses: list(pattern('^[^\\s,]+$')),
  }),
  secrets: object({ namespaces: definition('namespaces'), named: list(namedSecrets) }),
  rbac: object({ create: flag(), aggregate: flag(), admissionPolicy: flag() }),
  networkPolicy: object({ enabled: flag(), metricsFrom: list(anyObject()) }),
  placement: object({ manage: flag() }),
  podMetrics: object({ enabled: flag(), seconds: integer(1, 60) }),
  podMonitor: object({ enabled: flag(), interval: pattern('^[0-9]+(ms|s|m)$'), labels: definition('strings') }),
  controller,
  proxy,
};
