/** What happens to the platform while it serves. Each resolves when it is over; `count` is how often. */
import { setTimeout as sleep } from 'node:timers/promises';

import { untilReadyPods } from '../cluster/stage.ts';
import { untilAgreed } from './agreement.ts';
import { sufferFaults } from './faulty-api.ts';
import { matrix, NAMESPACE, NODES, virtualServer } from './manifests.ts';
import { scrape } from './scrape.ts';
import { RELEASE, type Stage, SYSTEM, untilReadyComponent } from './stage.ts';

export interface Scenario {
  readonly name: string;
  /** For people: what happens. */
  readonly what: string;
  /** How often: reduced (in `make test`, 0: not there), and in full. */
  readonly counts: readonly [number, number];
  run(stage: Stage, count: number): Promise<Record<string, unknown>>;
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'app-rollout',
    what: 'rolling updates of an app',
    counts: [1, 20],
    run: async (stage, count) => {
      for (let i = 0; i < count; i++) await roll(stage, NAMESPACE, 'deployment/web');
      return { rollouts: count };
    },
  },
  {
    name: 'edits',
    what: 'edits of weights and rules',
    counts: [20, 1000],
    run: async (stage, count) => {
      for (let i = 0; i < count; i++) {
        await stage.apply(i % 2 === 0 ? matrix([60 - (i % 50), 30, 10 + (i % 50)]) : virtualServer(i % 20));
      }
      await stage.apply(`${matrix([60, 30, 10])}---${virtualServer(0)}`);
      return { edits: count };
    },
  },
  {
    name: 'scaling',
    what: 'an app scaled 2 → 10 → 2',
    counts: [0, 3],
    run: async (stage, count) => {
      for (const replicas of Array.from({ length: count }, () => [2, 10, 2]).flat()) {
        await stage.kubectl('scale', '-n', NAMESPACE, 'deployment/web', `--replicas=${replicas}`);
        await untilReadyPods(stage.cluster.client, NAMESPACE, 'web', replicas);
      }
      await stage.kubectl('scale', '-n', NAMESPACE, 'deployment/web', '--replicas=3');
      await untilReadyPods(stage.cluster.client, NAMESPACE, 'web', 3);
      return { cycles: count };
    },
  },
  {
    name: 'node-drain',
    what: 'a node drained, and taken back',
    counts: [0, 3],
    run: async (stage, count) => {
      for (let i = 0; i < count; i++) {
        const node = NODES[i % NODES.length] ?? NODES[0];
        await stage.kubectl('drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=100s');
        await stage.kubectl('uncordon', node);
        // Back onto the node, for the next one.
        for (const app of ['web', 'appc']) await roll(stage, NAMESPACE, `deployment/${app}`);
      }
      return { drains: count };
    },
  },
  {
    name: 'proxy-rollout',
    what: 'rollouts of the proxies',
    counts: [1, 5],
    run: async (stage, count) => {
      for (let i = 0; i < count; i++) await roll(stage, SYSTEM, `deployment/${RELEASE}-proxy`);
      return { rollouts: count };
    },
  },
  {
    name: 'controller-rollout',
    what: 'rollouts of the controllers',
    counts: [0, 5],
    run: async (stage, count) => {
      for (let i = 0; i < count; i++) await roll(stage, SYSTEM, `deployment/${RELEASE}-controller`);
      return { rollouts: count };
    },
  },
  {
    name: 'upgrade',
    what: 'helm upgrade to the next version (chart and image), and helm rollback',
    counts: [0, 2],
    run: async (stage, count) => {
      const { now, next } = stage.releases;
      const wait = ['-n', SYSTEM, '--wait', '--timeout=300s'];
      for (let i = 0; i < count; i++) {
        await stage.helm('upgrade', RELEASE, next.chart, '--reset-then-reuse-values', ...wait);
        await untilVersion(stage, next.version);
        await edited(stage);
        await stage.helm('rollback', RELEASE, ...wait);
        await untilVersion(stage, now.version);
        await edited(stage);
      }
      return { upgrades: count, rollbacks: count, versions: [now.version, next.version, now.version] };
    },
  },
  {
    name: 'bad-object',
    what: 'a virtual server turned faulty, the controllers replaced meanwhile, and it mended',
    counts: [0, 2],
    run: async (stage, count) => {
      const turn = async (meanwhile: () => Promise<void>) => {
        await stage.apply(virtualServer(0, '(('));
        await stage.waitFor('tcpvirtualserver/http', 'Accepted=False');
        await meanwhile();
        await edited(stage);
      };
      // Those that come know the last good version by what the others have kept of it.
      for (let i = 0; i < count; i++) await turn(() => roll(stage, SYSTEM, `deployment/${RELEASE}-controller`));
      // And twice in the life of one leader: the Event of it is counted.
      for (let i = 0; i < 2; i++) await turn(() => Promise.resolve());
      return { faults: count + 2 };
    },
  },
  {
    name: 'leader-killed',
    what: 'the leading controller killed (SIGKILL), then ended (SIGTERM)',
    counts: [1, 3],
    run: async (stage, count) => {
      const [killed, ended]: [number[], number[]] = [[], []];
      for (let i = 0; i < count; i++) {
        killed.push(await takenOver(stage, 'SIGKILL'));
        ended.push(await takenOver(stage, 'SIGTERM'));
      }
      return { secondsAfterSigkill: killed, secondsAfterSigterm: ended };
    },
  },
  {
    name: 'api-away',
    what: 'the API server killed, and away',
    counts: [5, 300],
    run: async (stage, seconds) => {
      // Asked to end, it would take its address out of the Service `kubernetes`; when it is back, who asks by that address
      // waits for kube-proxy to have learnt it, which takes that up to a minute.
      await stage.cluster.killServer();
      await sleep(seconds * 1000);
      await stage.cluster.startServer();
      const back = performance.now();
      await edited(stage);
      return { secondsAway: seconds, secondsUntilAnEditIsProgrammed: rounded(back) };
    },
  },
  {
    name: 'etcd-restart',
    what: 'etcd killed and started again',
    counts: [0, 5],
    run: async (stage, count) => {
      for (let i = 0; i < count; i++) {
        await stage.cluster.restartEtcd();
        await edited(stage);
      }
      return { restarts: count };
    },
  },
  {
    name: 'api-faults',
    what: 'watches answered 410 and 500, or ended by a 410; lists answered 500; all connections of the controllers broken; under edits and rollouts',
    counts: [0, 100],
    run: async (stage, resets) => {
      const phase = { over: false };
      const changes = (async () => {
        while (!phase.over) {
          await edited(stage);
          await roll(stage, NAMESPACE, 'deployment/web');
        }
      })();
      // Awaited below, unless something else fails before.
      changes.catch(() => undefined);
      const recovered = async () => {
        phase.over = true;
        await changes;
        await untilAgreed(stage);
      };
      return { ...(await sufferFaults(stage, resets, recovered).finally(() => (phase.over = true))) };
    },
  },
];

/** Errors: a replica that runs another version. */
async function untilVersion(stage: Stage, version: string): Promise<void> {
  await untilReadyComponent(stage, 'proxy', 2);
  await untilReadyComponent(stage, 'controller', 2);
  const others = (await scrape(stage)).filter((each) => each.version !== version);
  if (others.length > 0) throw new Error(`not ${version}: ${JSON.stringify(others)}`);
}

async function roll(stage: Stage, namespace: string, deployment: string): Promise<void> {
  await stage.kubectl('rollout', 'restart', '-n', namespace, deployment);
  await stage.kubectl('rollout', 'status', '-n', namespace, deployment, '--timeout=180s');
}

/** Seconds from the signal until somebody else writes status. */
async function takenOver(stage: Stage, signal: 'SIGKILL' | 'SIGTERM'): Promise<number> {
  const leader = await leaderOf(stage);
  await stage.cluster.kill({ namespace: SYSTEM, name: leader }, null, signal);
  const start = performance.now();
  await edited(stage);
  const seconds = rounded(start);
  await untilReadyComponent(stage, 'controller', 2);
  return seconds;
}

export async function leaderOf(stage: Stage): Promise<string> {
  const holder = await stage.kubectl(
    'get',
    'lease',
    '-n',
    SYSTEM,
    `${RELEASE}-controller`,
    '-o',
    'jsonpath={.spec.holderIdentity}',
  );
  return holder.split(/[ _/]/, 1)[0] ?? holder;
}

let edits = 0;

/** Resolves when an edit that is made now is served by every proxy, as the status of the object says. */
export async function edited(stage: Stage): Promise<void> {
  await stage.apply(virtualServer(1 + (++edits % 19)));
  const path = `/apis/tcpvs.io/v1alpha1/namespaces/${NAMESPACE}/tcpvirtualservers/http`;
  for (const end = performance.now() + 60_000; performance.now() < end; await sleep(50)) {
    const { metadata, status } = await stage.cluster.client.get(path);
    const conditions = (status?.conditions ?? []) as { type: string; status: string; observedGeneration: number }[];
    const programmed = conditions.find(({ type }) => type === 'Programmed');
    if (programmed?.status === 'True' && programmed.observedGeneration === metadata.generation) return;
  }
  throw new Error('an edit is not programmed within a minute');
}

const rounded = (since: number): number => Math.round((performance.now() - since) / 100) / 10;
