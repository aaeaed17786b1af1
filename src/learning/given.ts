/** What the objects themselves say of their apps. */
import type { AppWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import { parseDuration } from '../api/common.ts';
import type { ObjectKey } from '../model/snapshot.ts';
import { parseQuantity } from '../placement/problem/quantity.ts';
import type { MatrixGiven } from './profile-book.ts';

/** Seconds, where the object says nothing of placement. */
const INTERVAL = 60;

/** What was read of an object, which is another one when it has changed. */
const read = new WeakMap<AppWeightMatrixSpec, MatrixGiven>();

/** Of all matrices, by `namespace/name`: each is read once. */
export function givenMatrices(matrices: ReadonlyMap<ObjectKey, { readonly spec: AppWeightMatrixSpec }>): MatrixGiven[] {
  return [...matrices].map(([key, { spec }]) => {
    let given = read.get(spec);
    if (given === undefined) read.set(spec, (given = givenOf(key, spec)));
    return given;
  });
}

/** @param key `namespace/name` of the object */
export function givenOf(key: ObjectKey, spec: AppWeightMatrixSpec): MatrixGiven {
  const [namespace = ''] = key.split('/');
  const servers = new Map<string, ObjectKey[]>();
  for (const { server, weights } of spec.rows) {
    for (const { app } of weights) {
      const known = servers.get(app);
      if (known === undefined) servers.set(app, [`${namespace}/${server}`]);
      else known.push(`${namespace}/${server}`);
    }
  }
  const shared = sharedLists();
  const { interval } = spec.placement ?? {};
  const workloads = Map.groupBy(spec.apps, ({ name, workloadRef }) => workloadRef?.name ?? name);
  return {
    matrix: key,
    interval: interval === undefined ? INTERVAL : (parseDuration(interval) ?? INTERVAL * 1000) / 1000,
    workloads: [...workloads].map(([workload, apps]) => ({
      workload,
      apps: apps.map(({ name }) => name),
      servers: shared([...new Set(apps.flatMap(({ name }) => servers.get(name) ?? []))]),
    })),
    apps: spec.apps.map(({ name, demand, profile = {} }) => ({
      app: name,
      servers: shared(servers.get(name) ?? []),
      rate: demand === undefined ? null : Number(demand.rate),
      cost: Object.fromEntries(
        Object.entries(profile).flatMap(([resource, quantity]) => {
          const amount = parseQuantity(quantity);
          return amount === null ? [] : [[resource, amount]];
        }),
      ),
    })),
  };
}

/** Of thousands of apps most are on the same few sets of servers. */
function sharedLists(): (list: readonly ObjectKey[]) => readonly ObjectKey[] {
  const known = new Map<string, readonly ObjectKey[]>();
  return (list) => {
    const key = list.join(' ');
    const same = known.get(key);
    if (same === undefined) known.set(key, list);
    return same ?? list;
  };
}
