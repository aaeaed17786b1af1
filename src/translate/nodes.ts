/** Which nodes a node server stands for. */
import type { RealServerSpec } from '../api/real-server.ts';
import type { NodeFacts } from './cluster-facts.ts';
import type { Problem } from './conditions.ts';

export interface NodesOf {
  /** In order of name. */
  readonly nodes: readonly string[];
  readonly problem: Problem | null;
}

/** A node that does not exist keeps its name: its endpoints, if there are any, say more than our view of the nodes. */
export const namedNode = (name: string, exists: boolean): NodesOf => ({
  nodes: [name],
  problem: exists ? null : { reason: 'NodeNotFound', message: `nodeName: the cluster has no node ${name}` },
});

/** Nodes that have all of the labels. */
export const selectedNodes = (
  selector: NonNullable<RealServerSpec['nodeSelector']>,
  all: ReadonlyMap<string, NodeFacts>,
): NodesOf => {
  const wanted = Object.entries(selector);
  const nodes = [...all]
    .filter(([, { labels }]) =>
      wanted.every(([label, value]) => Object.hasOwn(labels, label) && labels[label] === value),
    )
    .map(([name]) => name)
    .toSorted();
  if (nodes.length > 0) return { nodes, problem: null };
  const text = wanted.map(([label, value]) => `${label}=${value}`).join(',');
  return { nodes, problem: { reason: 'NodeNotFound', message: `nodeSelector: no node has the labels ${text}` } };
};
