/** A kubelet of processes: runs the pods of its nodes, and tells the API of them. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ApiClient } from '../api-client.ts';
import { requestToken } from '../api-handle.ts';
import type { Api } from '../api.ts';
import { follow } from '../follow.ts';
import type { PodName } from '../machine/contract.ts';
import type { RegisteredNode } from '../machine/nodes.ts';
import type { Image } from './images.ts';
import type { Pod } from './kinds.ts';
import { followObjects } from './objects.ts';
import { PodWorker } from './pod-worker.ts';
import { sandboxes } from './sandboxes.ts';

export interface Agent {
  /** A signal to the first process of a pod's container (null: of its first one). */
  kill(pod: PodName, container: string | null, signal: NodeJS.Signals): void;
}

export interface AgentOptions {
  readonly api: Api;
  /** For what pods have on disk. */
  readonly directory: string;
  readonly nodes: readonly RegisteredNode[];
  readonly images: (reference: string) => Image | null;
  /** Text of resolv.conf in a namespace's pods. */
  readonly resolvConf: (namespace: string) => string;
}

export async function startAgent({ api, directory, nodes, images, resolvConf }: AgentOptions): Promise<Agent> {
  mkdirSync(directory);
  const token = readFileSync(join(api.directory, 'tokens/node-agent'), 'utf8');
  const client = new ApiClient({ url: api.url, ca: api.ca, token });
  const objects = await followObjects(client);
  const openSandbox = sandboxes(nodes);
  const workers = new Map<string, PodWorker>();

  const toolsOf = (node: RegisteredNode) => ({
    client,
    directory,
    hostIP: node.address,
    objects,
    images,
    resolvConf,
    openSandbox: (pod: Pod) => openSandbox(pod, node),
    requestToken: (pod: Pod, audience: string | undefined, seconds: number) => {
      const account = pod.spec.serviceAccountName ?? 'default';
      const options = { pod, seconds, ...(audience === undefined ? {} : { audience }) };
      return requestToken(client, pod.metadata.namespace, account, options);
    },
  });
  const changed = (pod: Pod) => {
    const node = nodes.find(({ name }) => name === pod.spec.nodeName);
    const { uid } = pod.metadata;
    const known = workers.get(uid);
    if (known !== undefined) known.update(pod);
    if (known !== undefined || node === undefined) return;
    const worker = new PodWorker(pod, toolsOf(node));
    workers.set(uid, worker);
    worker.finished.then(
      () => workers.delete(uid),
      (error: Error) => process.stderr.write(`pod ${pod.metadata.name}: ${error.stack}\n`),
    );
  };
  follow(client, '/api/v1/pods', {
    changed: (object) => changed(object as Pod),
    gone: ({ metadata }) => workers.get(metadata.uid)?.stop(0),
  });

  return {
    kill: ({ namespace, name }, container, signal) => {
      const worker = [...workers.values()].find((each) => each.is(namespace, name));
      if (worker === undefined) throw new Error(`no pod ${namespace}/${name} runs here`);
      worker.kill(container, signal);
    },
  };
}
