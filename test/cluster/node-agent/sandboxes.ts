/** Networks of pods: a namespace and an address each, or their node's. */
import { addNamespace, namespacePath, podAddress, removeNamespace } from '../machine/network.ts';
import type { RegisteredNode } from '../machine/nodes.ts';
import type { Pod } from './kinds.ts';
import type { Sandbox } from './pod-worker.ts';

const FIRST_HOST = 2;
const HOSTS = 250;

export function sandboxes(nodes: readonly RegisteredNode[]): (pod: Pod, node: RegisteredNode) => Promise<Sandbox> {
  // One after the other, so that an address that was just given back is not given away at once.
  const used = nodes.map(() => ({ last: FIRST_HOST - 1, taken: new Set<number>() }));
  const take = (index: number): number => {
    const of = used[index];
    if (of === undefined || of.taken.size >= HOSTS) throw new Error('no address is left on the node');
    do of.last = of.last > HOSTS ? FIRST_HOST : of.last + 1;
    while (of.taken.has(of.last));
    of.taken.add(of.last);
    return of.last;
  };
  return async (pod, node) => {
    const hostIP = node.address;
    if (pod.spec.hostNetwork === true) {
      return { podIP: hostIP, hostIP, network: namespacePath(node.name), close: async () => {} };
    }
    const host = take(node.index);
    const podIP = podAddress(node.index, host);
    const name = `pod-${pod.metadata.uid}`;
    const sysctls = pod.spec.securityContext?.sysctls ?? [];
    await addNamespace(name, podIP, Object.fromEntries(sysctls.map((each) => [each.name, each.value])));
    return {
      podIP,
      hostIP,
      network: namespacePath(name),
      close: async () => {
        await removeNamespace(name);
        used[node.index]?.taken.delete(host);
      },
    };
  };
}
