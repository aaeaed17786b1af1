/** NetworkPolicies as rules of nft: pure. Ingress only; what a pod may connect to is not limited. */
import type { KubeObject } from '../../api-client.ts';

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: Operator;
    readonly values?: readonly string[];
  }[];
}

interface Peer {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
}

interface Port {
  readonly protocol?: string;
  readonly port?: number | string;
  readonly endPort?: number;
}

interface Ingress {
  readonly from?: readonly Peer[];
  readonly ports?: readonly Port[];
}

export interface PolicyWorld {
  readonly policies: readonly KubeObject[];
  readonly namespaces: readonly KubeObject[];
  /** Of all namespaces. */
  readonly pods: readonly KubeObject[];
}

const TABLE = 'inet network-policies';
/** At once: nobody has to wait for a timeout to see it. */
const REFUSAL = ['meta l4proto tcp reject with tcp reset', 'drop'];

/** A script that replaces the whole table: a pod that no policy selects is in none of its rules. */
export function policyRules(world: PolicyWorld): string {
  const pods = world.pods.filter(hasAddress);
  const isolated = pods.flatMap((pod) => {
    const policies = world.policies.filter((policy) => selects(policy, pod));
    return policies.length === 0 ? [] : [{ pod, policies }];
  });
  const chains = isolated.map(({ pod, policies }, index) => {
    const accepted = policies.flatMap((policy) =>
      ((policy.spec.ingress ?? []) as Ingress[]).flatMap((ingress) =>
        accepts(ingress, policy, pod, { ...world, pods }),
      ),
    );
    return `chain pod-${index} {\n${[...accepted, ...REFUSAL].map((rule) => `  ${rule}\n`).join('')}}`;
  });
  const jumps = isolated.map(({ pod }, index) => `${pod.status.podIP} : jump pod-${index}`);
  return [
    `add table ${TABLE}`,
    `delete table ${TABLE}`,
    `table ${TABLE} {`,
    ...chains,
    'chain forward {',
    '  type filter hook forward priority 0; policy accept;',
    '  ct state established,related accept',
    ...(jumps.length === 0 ? [] : [`  ip daddr vmap { ${jumps.join(', ')} }`]),
    '}',
    '}',
    '',
  ].join('\n');
}

/** What a rule of a policy lets through to one pod. */
function accepts(
  { from = [], ports = [] }: Ingress,
  policy: KubeObject,
  pod: KubeObject,
  world: PolicyWorld,
): string[] {
  const sources = from.length === 0 ? [''] : from.flatMap((peer) => sourcesOf(peer, policy, world));
  const targets = ports.length === 0 ? [''] : ports.flatMap((port) => targetsOf(port, pod));
  return sources.flatMap((source) => targets.map((target) => `${source}${target}accept`));
}

function sourcesOf(
  { ipBlock, podSelector, namespaceSelector }: Peer,
  policy: KubeObject,
  world: PolicyWorld,
): string[] {
  if (ipBlock !== undefined) {
    const { cidr, except = [] } = ipBlock;
    if (cidr.includes(':')) return [];
    return [`ip saddr ${cidr} ${except.length === 0 ? '' : `ip saddr != { ${except.join(', ')} } `}`];
  }
  const own = policy.metadata.namespace;
  const namespaces = world.namespaces
    .filter((namespace) =>
      namespaceSelector === undefined ? namespace.metadata.name === own : matches(namespaceSelector, namespace),
    )
    .map(({ metadata }) => metadata.name);
  const addresses = world.pods
    .filter((pod) => namespaces.includes(pod.metadata.namespace ?? '') && matches(podSelector ?? {}, pod))
    .map(({ status }) => status.podIP as string);
  return addresses.length === 0 ? [] : [`ip saddr { ${addresses.join(', ')} } `];
}

function targetsOf({ protocol = 'TCP', port, endPort }: Port, pod: KubeObject): string[] {
  const kind = protocol.toLowerCase();
  if (port === undefined) return [`meta l4proto ${kind} `];
  if (typeof port === 'number') return [`${kind} dport ${port}${endPort === undefined ? '' : `-${endPort}`} `];
  const containers = pod.spec.containers as { ports?: { name?: string; containerPort: number }[] }[];
  const named = containers.flatMap(({ ports = [] }) => ports).filter(({ name }) => name === port);
  return named.map(({ containerPort }) => `${kind} dport ${containerPort} `);
}

function selects({ metadata, spec }: KubeObject, pod: KubeObject): boolean {
  const isIngress = (spec.policyTypes ?? ['Ingress']).includes('Ingress');
  return isIngress && metadata.namespace === pod.metadata.namespace && matches(spec.podSelector, pod);
}

function hasAddress({ spec, status }: KubeObject): boolean {
  const isOver = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  return status?.podIP !== undefined && spec.hostNetwork !== true && !isOver;
}

type Operator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';

const OPERATORS: Readonly<Record<Operator, (value: string | undefined, values: readonly string[]) => boolean>> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
};

function matches({ matchLabels = {}, matchExpressions = [] }: Selector, { metadata }: KubeObject): boolean {
  const labels = metadata.labels ?? {};
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => OPERATORS[operator](labels[key], values))
  );
}
