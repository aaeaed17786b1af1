/** The platform as a user has it: a cluster, the chart installed, apps behind it, and clients outside of it. */
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { until } from '../cluster/follow.ts';
import { outputOf } from '../cluster/run.ts';
import { labelled, untilReadyPods } from '../cluster/stage.ts';
import { type Load, startLoad } from './load.ts';
import { APPS, GRANTS, HOST, NAMESPACE, NODES, OBJECTS } from './manifests.ts';
import { type Release, releases } from './product.ts';

export const RELEASE = 'tcpvs';
export const SYSTEM = 'tcpvs-system';

export interface Stage {
  readonly cluster: Cluster;
  /** What is installed, and what comes after it. */
  readonly releases: { readonly now: Release; readonly next: Release };
  /** Resolves with what it prints; rejects where it fails. */
  kubectl(...args: string[]): Promise<string>;
  helm(...args: string[]): Promise<string>;
  /** By server-side apply. */
  apply(manifest: string): Promise<void>;
  /** Clients outside, over kept-alive connections to the proxies' Service. */
  load(options: { rate: number; seconds: number }): Load;
  /** Resolves when an object's condition is as asked. */
  waitFor(object: string, condition: string, seconds?: number): Promise<void>;
  stop(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const made = await releases();
  const { now, next } = made;
  const nodes = NODES.map((name) => ({ name }));
  const cluster = await startCluster({ nodes, product: now.product, tagged: { [next.version]: next.product } });
  const stage: Stage = {
    cluster,
    releases: made,
    kubectl: (...args) => outputOf(`kubectl ${args.join(' ')}`, cluster.kubectl(args)),
    helm: (...args) => outputOf(`helm ${args.join(' ')}`, cluster.helm(args)),
    apply: async (manifest) => {
      await outputOf(
        'kubectl apply',
        cluster.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], manifest),
      );
    },
    load: ({ rate, seconds }) => {
      const plan = { address: `${RELEASE}-proxy.${SYSTEM}.svc.cluster.local`, port: 80, host: HOST };
      return startLoad(
        { ...plan, paths: ['/web/x', '/appc/x'], connections: 16, rate, seconds },
        cluster.outside.command([]),
      );
    },
    waitFor: async (object, condition, seconds = 60) => {
      await stage.kubectl('wait', '-n', NAMESPACE, `--for=condition=${condition}`, `--timeout=${seconds}s`, object);
    },
    stop: () => cluster.stop(),
  };
  try {
    await stage.apply(GRANTS);
    await stage.apply(APPS);
    await stage.helm(
      'install',
      RELEASE,
      now.chart,
      '-n',
      SYSTEM,
      '--create-namespace',
      ...VALUES,
      '--wait',
      '--timeout',
      '120s',
    );
    await Promise.all(['web', 'appc'].map((app) => untilReadyPods(cluster.client, NAMESPACE, app, 3)));
    await stage.apply(OBJECTS);
    await stage.waitFor('tcpvirtualserver/http', 'Ready');
    await stage.waitFor('appweightmatrix/eapac', 'Ready');
    return stage;
  } catch (error) {
    await stage.stop();
    throw error;
  }
}

/** Names of an app's ready pods. */
export async function podsOf({ cluster }: Stage, namespace: string, label: string): Promise<string[]> {
  const pods = await cluster.client.list(labelled(namespace, label));
  return pods.map(({ metadata }) => metadata.name);
}

/** A product's pods by component, once there are so many ready ones and no others. */
export function untilReadyComponent({ cluster }: Stage, component: string, count: number) {
  const path = `/api/v1/namespaces/${SYSTEM}/pods?labelSelector=app.kubernetes.io%2Fcomponent%3D${component}`;
  return until(cluster.client, path, (all) => all.length === count && all.every(isReady));
}

const isReady = ({
  metadata,
  status,
}: {
  metadata: { deletionTimestamp?: string };
  status?: { conditions?: readonly { type: string; status: string }[] };
}) =>
  metadata.deletionTimestamp === undefined &&
  (status?.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True');

/** No load balancer gives addresses here, and the drain is as short as a test's patience. */
const VALUES = [
  '--set=proxy.service.type=ClusterIP',
  '--set=proxy.workers=1',
  '--set=proxy.drain.preStopSeconds=3',
  '--set=proxy.drain.delaySeconds=2',
  '--set=proxy.drain.timeoutSeconds=10',
  '--set=proxy.minReadySeconds=2',
  '--set=controller.minReadySeconds=2',
];
