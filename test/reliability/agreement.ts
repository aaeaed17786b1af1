/** Whether every replica serves what the API says now, and the API says so of every object. */
import { setTimeout as sleep } from 'node:timers/promises';

import { parsePolicy } from '../../src/api/policy.ts';
import { readCluster } from '../../src/controller/read-cluster.ts';
import { connectApi } from '../../src/kube/connect.ts';
import { hashOf } from '../../src/telemetry/config-hash.ts';
import { checkPattern } from '../../src/translate/check-pattern.ts';
import { emptyFacts } from '../../src/translate/cluster-facts.ts';
import { translate } from '../../src/translate/translate.ts';
import { scrape } from './scrape.ts';
import { RELEASE, type Stage, SYSTEM } from './stage.ts';

/** Pods that have just gone or come are in the API first: what is compared has to come to rest. */
const PATIENCE = 60_000;

/** Replicas that were compared. */
export interface Agreement {
  readonly controllers: number;
  readonly proxies: number;
}

/**
 * Resolves when the snapshot that follows from the API's objects, read anew and translated here, is the one that each
 * controller offers and each proxy serves, and every object is programmed as it is. Errors: who differs after a minute.
 */
export async function untilAgreed(stage: Stage): Promise<Agreement> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    // A pod that ends while it is asked is a difference, too.
    const { differences, ...agreement } = await compare(stage).catch((error: Error) => {
      return { differences: [error.message], controllers: 0, proxies: 0 };
    });
    if (differences.length === 0) return agreement;
    if (performance.now() > end) throw new Error(`not what the API says:\n${differences.join('\n')}`);
    await sleep(200);
  }
}

async function compare(stage: Stage): Promise<Agreement & { readonly differences: readonly string[] }> {
  const [wanted, replicas, unprogrammed] = await Promise.all([hashFromApi(stage), scrape(stage), notProgrammed(stage)]);
  const others = replicas.filter(({ hash }) => hash !== wanted);
  const count = (component: string) => replicas.filter((each) => each.component === component).length;
  const [controllers, proxies] = [count('controller'), count('proxy')];
  return {
    controllers,
    proxies,
    differences: [
      ...(controllers === 0 || proxies === 0 ? [`${controllers} controllers, ${proxies} proxies`] : []),
      ...others.map(({ pod, hash }) => `${pod} has snapshot ${hash}, the API's objects make ${wanted}`),
      ...unprogrammed,
    ],
  };
}

/** A look of its own at the API, by nothing that a controller has kept. */
async function hashFromApi({ cluster }: Stage): Promise<number> {
  const { api } = connectApi({ kubeconfig: cluster.kubeconfig, userAgent: 'test' });
  try {
    const { state, unread } = await readCluster(api, 'tcpvs', null);
    if (unread.length > 0) throw new Error(unread.join('; '));
    const system = `/api/v1/namespaces/${SYSTEM}`;
    const policy = await cluster.client.get(`${system}/configmaps/${RELEASE}-policy`);
    const service = await cluster.client.get(`${system}/services/${RELEASE}-proxy`);
    const facts = {
      ...(state.cluster ?? emptyFacts),
      policy: parsePolicy(policy['data']['policy.yaml'] as string),
      exposedPorts: new Set((service.spec.ports as { port: number }[]).map(({ port }) => port)),
    };
    return hashOf(translate({ ...state, cluster: facts }, { checkPattern }).snapshot.id);
  } finally {
    api.close();
  }
}

async function notProgrammed({ cluster }: Stage): Promise<string[]> {
  const each = Object.entries(SAID_BY).map(async ([kind, condition]) => {
    const objects = await cluster.client.list(`/apis/tcpvs.io/v1alpha1/${kind}`);
    if (objects.length === 0) return [`there are no ${kind}`];
    return objects.flatMap(({ metadata, status }) => {
      const conditions = (status?.conditions ?? []) as { type: string; status: string; observedGeneration?: number }[];
      const said = conditions.find(({ type }) => type === condition);
      const is = said?.status === 'True' && said.observedGeneration === metadata.generation;
      return is ? [] : [`${kind}/${metadata.name}, generation ${metadata.generation}: ${JSON.stringify(said ?? null)}`];
    });
  });
  return (await Promise.all(each)).flat();
}

/** The condition by which an object says that its generation is served. */
const SAID_BY = { tcpvirtualservers: 'Programmed', appweightmatrices: 'Programmed', realservers: 'Ready' };
