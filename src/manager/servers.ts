/** Real servers as placement sees them: how much they can do, and what others use of it. */
import type { RealServerSpec } from '../api/real-server.ts';
import { columnsOf, type Rows } from '../model/matrix-rows.ts';
import type { MatrixProfile } from '../model/profiles.ts';
import type { Amounts } from '../placement/problem/problem.ts';
import { parseQuantity } from '../placement/problem/quantity.ts';

export interface ServerFacts {
  /** Per second, by resource: cores, bytes. What is not known is not there. */
  readonly capacity: Amounts;
  /** In flight, of all apps together; null: not given. */
  readonly requests: number | null;
  /** It takes no new work. */
  readonly quiesced: boolean;
}

/** A node of a cluster, as far as it says what a server can do. */
export interface Node {
  readonly labels: Readonly<Record<string, string>>;
  /** Quantities by resource. */
  readonly allocatable?: Readonly<Record<string, string>>;
}

/** What requests use; memory and pods are not used up by requests. */
const BY_REQUESTS = ['cpu', 'io', 'net'] as const;

/** By node, cores that are requested by what takes nothing of a matrix' requests. */
export type Reserved = ReadonlyMap<string, number>;

/** What the object does not give, its nodes have, all of them together: what may be allocated there, less what is reserved. */
export function serverFacts(
  spec: RealServerSpec,
  nodes: ReadonlyMap<string, Node> = new Map(),
  reserved: Reserved = new Map(),
): ServerFacts {
  const own = nodesOf(spec, nodes);
  const amounts = BY_REQUESTS.flatMap((resource) => {
    const given = spec.capacity?.[resource];
    const amount = given === undefined ? sumOf(own, resource, reserved) : parseQuantity(given);
    return amount === null ? [] : [[resource, amount] as const];
  });
  return {
    capacity: Object.fromEntries(amounts),
    requests: spec.capacity?.requests ?? null,
    quiesced: spec.quiesce,
  };
}

type NamedNode = readonly [name: string, node: Node];

function nodesOf({ nodeName, nodeSelector }: RealServerSpec, nodes: ReadonlyMap<string, Node>): NamedNode[] {
  if (nodeName !== undefined) {
    const node = nodes.get(nodeName);
    return node === undefined ? [] : [[nodeName, node]];
  }
  if (nodeSelector === undefined) return [];
  const wanted = Object.entries(nodeSelector);
  return [...nodes].filter(([, { labels }]) => wanted.every(([label, value]) => labels[label] === value));
}

/** Null: of one of them, or of none, it is not known. */
function sumOf(nodes: readonly NamedNode[], resource: string, reserved: Reserved): number | null {
  const amounts = nodes.map(([name, { allocatable }]) => {
    const amount = parseQuantity(allocatable?.[resource] ?? '');
    return amount === null || resource !== 'cpu' ? amount : Math.max(0, amount - (reserved.get(name) ?? 0));
  });
  return amounts.reduce(
    (sum: number | null, each) => (each === null ? null : (sum ?? 0) + each),
    amounts[0] === undefined ? null : 0,
  );
}

/** What a matrix' apps use of its servers with the weights that it has, as far as their costs are known. */
export function usedBy(rows: Rows, { apps }: MatrixProfile): Map<string, Amounts> {
  const columns = columnsOf(rows);
  const used = new Map<string, Record<string, number>>();
  for (const { app, demand, cost } of apps) {
    const cells = [...(columns.get(app) ?? [])];
    const sum = cells.reduce((total, [, weight]) => total + weight, 0);
    for (const [server, weight] of cells) {
      if (weight === 0) continue;
      const amounts = used.get(server) ?? {};
      used.set(server, amounts);
      for (const [resource, { upper }] of Object.entries(cost)) {
        amounts[resource] = (amounts[resource] ?? 0) + (demand.value * weight * upper) / sum;
      }
    }
  }
  return used;
}

/** Sums by server and resource. */
export function addUp(all: readonly ReadonlyMap<string, Amounts>[]): Map<string, Amounts> {
  const sums = new Map<string, Amounts>();
  for (const each of all) {
    for (const [server, amounts] of each) {
      const sum = { ...sums.get(server) };
      for (const [resource, amount] of Object.entries(amounts)) sum[resource] = (sum[resource] ?? 0) + amount;
      sums.set(server, sum);
    }
  }
  return sums;
}
