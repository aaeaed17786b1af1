/**
 * A Kubernetes cluster for tests: everything is real but its nodes, which run pods as processes (node-agent/). It lives
 * in namespaces of its own (machine/): several can run at once, and nothing stays behind.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { bundle } from '../../packaging/bundle.ts';
import { type ApiHandle, openApi } from './api-handle.ts';
import { findBinaries, whyNoNamespaces } from './binaries.ts';
import { openDoorway } from './doorway.ts';
import { startMachine } from './machine.ts';
import type { MachineCalls } from './machine/contract.ts';
import type { NodeOptions } from './machine/nodes.ts';
import { ownedDirectory } from './owned-directory.ts';
import { type Place, placeIn } from './place.ts';
import { startRelay } from './relay.ts';
import { type CommandResult, run } from './run.ts';

export interface Cluster extends ApiHandle, MachineCalls {
  /** A network namespace outside of all pods: Services and pods can be reached, names are the cluster's. */
  readonly outside: Place;
  /** As the admin. Never rejects. */
  helm(args: readonly string[], input?: string): Promise<CommandResult>;
  /** What a pod's containers wrote, all runs of each in order; the last pod of that name. */
  log(namespace: string, pod: string): string;
  /** Ends all of it. */
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** How many, or each with its labels. */
  readonly nodes?: number | readonly NodeOptions[];
  /** What the image `tcpvs` runs: the directory of a bundle, made of the sources unless given; null: there is none. */
  readonly product?: string | null;
  /** What it runs where its tag is one of these: directories of bundles. */
  readonly tagged?: Readonly<Record<string, string>>;
}

/** Resolves once pods can be made: after about ten seconds. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const found = findBinaries('cluster');
  const why = 'why' in found ? found.why : whyNoNamespaces();
  if (why !== null) throw new Error(why);
  const { nodes = 2 } = options;
  const named =
    typeof nodes === 'number' ? Array.from({ length: nodes }, (_, i) => ({ name: `node-${i + 1}` })) : nodes;
  const directory = ownedDirectory();
  const product = options.product === undefined ? await buildProduct(directory) : options.product;
  const machine = await startMachine({ directory, nodes: named, product, tagged: options.tagged ?? {} });
  const doorway = await openDoorway(machine.enter('client'));
  const { hostname, port } = new URL(machine.api.url);
  const relay = await startRelay(() => doorway.connect(hostname, Number(port)));
  const api = openApi({ ...machine.api, url: `https://127.0.0.1:${relay.port}`, directory });
  const helmHome = join(directory, 'helm');
  mkdirSync(helmHome);
  return {
    ...api,
    ...machine.calls,
    outside: placeIn(machine.enter('client'), doorway.connect),
    helm: (args, input) => {
      const environment = { HELM_CACHE_HOME: helmHome, HELM_CONFIG_HOME: helmHome, HELM_DATA_HOME: helmHome };
      return run([join(api.bin, 'helm'), '--kubeconfig', api.kubeconfig, ...args], { input, environment });
    },
    log: (namespace, pod) => podLog(join(directory, 'pods'), namespace, pod),
    stop: async () => {
      api.close();
      await relay.close();
      await doorway.close();
      await machine.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function buildProduct(directory: string): Promise<string> {
  const { files } = await bundle();
  const product = join(directory, 'product');
  mkdirSync(product);
  for (const [name, content] of files) writeFileSync(join(product, name), content);
  return product;
}

/** Directories of pods are NAMESPACE_NAME_UID; that of a later pod is younger. */
function podLog(pods: string, namespace: string, pod: string): string {
  const directories = readdirSync(pods).filter((name) => name.startsWith(`${namespace}_${pod}_`));
  const files = directories.flatMap((name) => {
    const logs = join(pods, name, 'logs');
    // The directory of a pod that begins is there before that of its logs.
    return existsSync(logs) ? readdirSync(logs).map((file) => join(logs, file)) : [];
  });
  return files.map((file) => readFileSync(file, 'utf8')).join('');
}
