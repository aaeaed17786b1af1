/**
 * Which addresses a namespace may have requests sent to. In a cluster whoever writes objects is not the operator: without
 * this, a RealServer could name the cloud's metadata, a node's kubelet, or the proxy itself. Judged where the object is
 * translated, and again in the proxy, of what a name resolves to.
 */
import {
  carriedV4,
  contains,
  formatIp,
  includes,
  type IpAddress,
  type Network,
  parseIp,
  parseNetwork,
  readHost,
} from './ip-address.ts';

export interface AddressRule {
  /** Names; `*` at the end stands for any rest. */
  readonly namespaces: readonly string[];
  /** IP addresses that may be given. */
  readonly cidrs: readonly string[];
  /** Names that may be given: `legacy.example` stands for itself and all below it, `*` for every name. */
  readonly dnsSuffixes: readonly string[];
}

/** Networks that belong to the cluster itself. */
export interface ClusterNetworks {
  readonly nodes: readonly string[];
  readonly pods: readonly string[];
  readonly services: readonly string[];
  /** The API server's address as a Service, and its endpoints. */
  readonly apiServer: readonly string[];
  /** The proxy's own addresses. */
  readonly proxy: readonly string[];
}

export type Verdict =
  /** `host` is the canonical text of what was given. */
  { readonly ok: true; readonly host: string } | { readonly ok: false; readonly why: string };

export class AddressPolicy {
  readonly #rules: readonly CompiledRule[];
  readonly #reserved: readonly Reserved[];
  /** Networks of one address each, of which a cluster may have thousands. */
  readonly #single = new Map<string, string>();
  readonly #byNamespace = new Map<string, CompiledRule>();

  constructor(rules: readonly AddressRule[], own: ClusterNetworks) {
    this.#rules = rules.map(compileRule);
    const reserved: Reserved[] = [];
    for (const { name, networks } of groupsOf(own)) {
      for (const text of networks) {
        const network = parseNetwork(text);
        if (network?.bits === 128) this.#single.set(formatIp(network.address), name);
        else if (network !== null) reserved.push({ network, name });
      }
    }
    this.#reserved = [...RESERVED, ...reserved];
  }

  /** What an object of the namespace gives as an address. */
  judgeGiven(namespace: string, host: string): Verdict {
    const address = readHost(host);
    const { networks, suffixes } = this.#of(namespace);
    if (address === null) {
      const name = host.toLowerCase().replace(/\.$/, '');
      if (suffixes.some((suffix) => suffix === '*' || name === suffix || name.endsWith(`.${suffix}`))) {
        return { ok: true, host };
      }
      return refused(`addressPolicy gives namespace ${namespace} no dnsSuffix for the name ${host}`);
    }
    const text = formatIp(address);
    const shown = text === host ? text : `${host} (${text})`;
    const why = this.#reservedBy(address, networks);
    if (why !== null) return refused(`${shown} ${why}`);
    if (networks.some((network) => contains(network, address))) return { ok: true, host: text };
    return refused(`addressPolicy gives namespace ${namespace} no network with the address ${shown}`);
  }

  /** An address that a permitted name resolves to, as node:dns writes it. @returns why it must not be used, or null */
  judgeFound(namespace: string, address: string): string | null {
    const parsed = parseIp(address.replace(/%.*$/, ''));
    if (parsed === null) return `${address} is no IP address`;
    const why = this.#reservedBy(parsed, this.#of(namespace).networks);
    return why === null ? null : `${address} ${why}`;
  }

  /** Whose network the address lies in, where no rule names just that network, or a part of it. */
  #reservedBy(address: IpAddress, networks: readonly Network[]): string | null {
    for (const meant of [address, ...carriedV4(address)]) {
      const within = networks.filter((network) => contains(network, meant));
      const reserved = [...this.#reserved.filter(({ network }) => contains(network, meant)), ...this.#singleOf(meant)];
      const shut = reserved.find(({ network }) => !within.some((allowed) => includes(network, allowed)));
      if (shut !== undefined) return reasonOf(shut, meant === address ? null : meant);
    }
    return null;
  }

  #singleOf(address: IpAddress): Reserved[] {
    const name = this.#single.get(formatIp(address));
    return name === undefined ? [] : [{ network: { address, bits: 128 }, name }];
  }

  #of(namespace: string): CompiledRule {
    let known = this.#byNamespace.get(namespace);
    if (known === undefined) {
      const own = this.#rules.filter((rule) => matchesNamespace(rule.namespaces, namespace));
      known = {
        namespaces: [namespace],
        networks: own.flatMap((rule) => rule.networks),
        suffixes: own.flatMap((rule) => rule.suffixes),
      };
      this.#byNamespace.set(namespace, known);
    }
    return known;
  }
}

/**
 * Why an address must not be an endpoint, wherever it was found; null: it may. EndpointSlices are written by controllers,
 * and by whoever may write them (CVE-2021-25737): no pod has such an address.
 */
export const reservedForHosts = (address: string): string | null => {
  const parsed = parseIp(address);
  if (parsed === null) return 'is no IP address';
  for (const meant of [parsed, ...carriedV4(parsed)]) {
    const found = RESERVED.find(({ network }) => contains(network, meant));
    if (found !== undefined) return reasonOf(found, meant === parsed ? null : meant);
  }
  return null;
};

/** `*` at the end of a pattern stands for any rest. */
export const matchesNamespace = (patterns: readonly string[], namespace: string): boolean =>
  patterns.some((pattern) =>
    pattern.endsWith('*') ? namespace.startsWith(pattern.slice(0, -1)) : pattern === namespace,
  );

interface CompiledRule {
  readonly namespaces: readonly string[];
  readonly networks: readonly Network[];
  readonly suffixes: readonly string[];
}

interface Reserved {
  readonly network: Network;
  readonly name: string;
}

const compileRule = ({ namespaces, cidrs, dnsSuffixes }: AddressRule): CompiledRule => ({
  namespaces,
  networks: cidrs.flatMap((cidr) => parseNetwork(cidr) ?? []),
  suffixes: dnsSuffixes.map((suffix) => suffix.toLowerCase().replace(/^\*?\./, '')),
});

const groupsOf = (own: ClusterNetworks): { readonly name: string; readonly networks: readonly string[] }[] => [
  { name: 'a node of the cluster', networks: own.nodes },
  { name: 'pods of the cluster', networks: own.pods },
  { name: 'Services of the cluster', networks: own.services },
  { name: 'the API server', networks: own.apiServer },
  { name: 'the proxy itself', networks: own.proxy },
];

const refused = (why: string): Verdict => ({ ok: false, why });

const reasonOf = ({ name }: Reserved, meant: IpAddress | null): string => {
  const carries = meant === null ? '' : `carries ${formatIp(meant)}, which `;
  return `${carries}belongs to ${name}; only a cidr of addressPolicy within that very network allows it`;
};

/** Of no real server, in IANA's registries of special addresses; and those under which clouds keep their metadata. */
const RESERVED: readonly Reserved[] = (
  [
    ['0.0.0.0/8', '"this network"'],
    ['127.0.0.0/8', 'the loopback network'],
    ['169.254.0.0/16', 'the link-local network, where clouds keep their metadata'],
    ['100.100.100.200', 'a cloud’s metadata'],
    ['168.63.129.16', 'a cloud’s metadata'],
    ['192.0.0.0/24', 'protocols (IETF)'],
    ['224.0.0.0/4', 'multicast'],
    ['240.0.0.0/4', 'nobody (reserved, broadcast)'],
    ['::', 'nobody (unspecified)'],
    ['::1', 'the loopback address'],
    ['100::/64', 'nobody (discard)'],
    ['fd00:ec2::254', 'a cloud’s metadata'],
    ['fd20:ce::254', 'a cloud’s metadata'],
    ['fe80::/10', 'the link-local network'],
    ['fec0::/10', 'the site-local network'],
    ['ff00::/8', 'multicast'],
  ] as const
).map(([text, name]) => ({ network: parseNetwork(text)!, name }));
