/** What is watched where instances are managed, and only then: Deployments, pods, autoscalers, and how much fits on nodes. */
import { isDeepStrictEqual } from 'node:util';

import type { Api } from '../../kube/api.ts';
import type { Resource } from '../../kube/resource.ts';
import { WatchGroup } from '../../kube/watch-group.ts';
import type { WatchTiming } from '../../kube/watch-timing.ts';
import type { WhyNot } from '../../model/workloads.ts';
import type { Log } from '../../telemetry/log.ts';
import {
  type DeploymentFacts,
  deploymentFacts,
  type NodePlace,
  nodePlace,
  type PodFacts,
  podFacts,
  scalerTarget,
} from '../facts/workloads.ts';
import { DEPLOYMENTS, NODES, PODS, SCALERS, typeOf } from '../resources.ts';

export interface WorkloadWatchesOptions {
  readonly api: Api;
  /** null: all. */
  readonly namespaces: readonly string[] | null;
  readonly log: Log;
  readonly timing?: Partial<WatchTiming>;
}

export class WorkloadWatches {
  readonly deployments: WatchGroup<DeploymentFacts>;
  readonly pods: WatchGroup<PodFacts>;
  readonly scalers: WatchGroup<string>;
  readonly nodes: WatchGroup<NodePlace>;

  constructor({ namespaces, ...common }: WorkloadWatchesOptions) {
    const group = <T>(
      resource: Resource,
      keep: (object: Parameters<typeof podFacts>[0]) => T,
      places: readonly string[] | null = namespaces,
    ) => new WatchGroup<T>({ ...common, resource, keep, same: isDeepStrictEqual, onKeys: () => undefined }, places);
    this.deployments = group(DEPLOYMENTS, deploymentFacts);
    this.pods = group(PODS, podFacts);
    this.scalers = group(SCALERS, scalerTarget);
    this.nodes = group(NODES, nodePlace, null);
    for (const each of this.#all) each.start();
  }

  /** Why not all is known; null: it is. */
  get lack(): WhyNot | null {
    for (const [resource, group] of [
      [DEPLOYMENTS, this.deployments],
      [PODS, this.pods],
      [SCALERS, this.scalers],
      [NODES, this.nodes],
    ] as const) {
      if (group.synced) continue;
      const { trouble } = group;
      const type = typeOf(resource);
      if (trouble?.status === 403) {
        const message = `the controller may not read ${type}: set placement.manage among the chart's values (${trouble.message})`;
        return { reason: 'NotPermitted', message };
      }
      const why = trouble === null ? '' : `: ${trouble.message}`;
      return { reason: 'WorkloadsUnknown', message: `${type} of the cluster are not known yet${why}` };
    }
    return null;
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((each) => each.close()));
  }

  get #all() {
    return [this.deployments, this.pods, this.scalers, this.nodes];
  }
}
