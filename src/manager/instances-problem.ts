/**
 * A matrix, what is known of it and what runs → a problem for the solver in which instances are in question: which workload is
 * to run where. Whose instances are not to be changed now has them fixed where they are.
 */
import { DEFAULT_PLACEMENT } from '../api/app-weight-matrix.ts';
import { columnsOf } from '../model/matrix-rows.ts';
import { hostsOf, type Places, type Seen, type WorkloadSeen } from '../model/workloads.ts';
import type { HostSpec, InstanceSpec, LoadSpec, Problem, WorkloadSpec } from '../placement/problem/problem.ts';
import { type AskedApp, askedApp, columnSpec, costsOf, inflightOf, leftOf, type ProblemInputs } from './problem-of.ts';

export interface InstancesInputs extends Omit<ProblemInputs, 'isOut'> {
  readonly seen: Seen;
  /** Workloads whose instances are left alone for a while. */
  readonly isHeld: (workload: string) => boolean;
  /** Where these workloads' instances are to be, whatever would be better; all others stay. Null: it is to be found. */
  readonly wanted: Places | null;
}

export type InstancesPosed =
  | { readonly ok: true; readonly problem: Problem }
  | { readonly ok: false; readonly lacks: readonly string[] };

export function instancesProblem(inputs: InstancesInputs): InstancesPosed {
  const { spec, seen, servers, usedByOthers } = inputs;
  const lacks: string[] = [];
  const costs = costsOf({ ...inputs, isOut: (server, app) => !runsOn(server, app, inputs) });
  const asked = spec.apps.flatMap((app) => askedApp(app, inputs, costs, { isServed: true, lacks }) ?? []);
  if (asked.length === 0 && lacks.length === 0) lacks.push('nothing is asked of any app');
  const resources = new Set(asked.flatMap(({ cost }) => Object.keys(cost)));
  // With how many in flight costs are as they were learned.
  const inflight = costs.kappa > 0 ? Math.max(1, inflightOf(inputs.profile) / Math.max(1, seen.hosts.size)) : null;
  const hosts = [...seen.hosts].map(([name, host]): HostSpec => {
    const { capacity, quiesced } = servers.get(name)!;
    for (const resource of resources) {
      if (capacity[resource] === undefined)
        lacks.push(`RealServer ${name}: its capacity of ${resource} is not given: give spec.capacity.${resource}`);
    }
    // One that takes no new work serves nothing.
    const left = leftOf(quiesced ? {} : capacity, usedByOthers.get(name) ?? {}, resources);
    return { name, class: 'default', capacity: left, memory: host.memory, pods: host.pods, concurrency: inflight };
  });
  if (hosts.length === 0 && lacks.length === 0) lacks.push('no row is a node of the cluster');
  if (lacks.length > 0) return { ok: false, lacks };
  const { changeCost, utilization, maxChangesPerCycle } = spec.placement ?? DEFAULT_PLACEMENT;
  const problem: Problem = {
    hosts,
    workloads: [...seen.workloads.values()].map((workload) => ({
      ...workloadSpec(workload, inputs),
      pressureRate: costs.pressureRate.get(workload.name) ?? null,
    })),
    columns: asked.map((app) => columnSpec(app, app.workload)),
    conflicts: costs.conflicts.filter((each) => seen.workloads.has(each.workload) && seen.workloads.has(each.with)),
    kappa: costs.kappa > 0 ? { default: costs.kappa } : {},
    current: [...seen.workloads.values()].flatMap(currentOf),
    load: asked.flatMap((app) => loadsOf(app, seen.workloads.get(app.workload), inputs)),
    options: {
      changeCost: Number(changeCost),
      utilization: Number(utilization),
      fairness: true,
      maxChanges: maxChangesPerCycle,
    },
  };
  return { ok: true, problem };
}

function workloadSpec(workload: WorkloadSeen, { seen, isHeld, wanted }: InstancesInputs): WorkloadSpec {
  const { name, memory, least, most, startSeconds } = workload;
  const isOurs = workload.whyNot === null && workload.isSettled;
  const present = hostsOf(workload);
  const to = isOurs ? wanted?.get(name) : undefined;
  const takes = ([host, instances]: [string, number]) =>
    seen.hosts.get(host)?.isReady === true || (seen.hosts.has(host) && (present.get(host) ?? 0) >= instances);
  const here = to !== undefined && [...to].every(takes) ? to : present;
  const count = [...here.values()].reduce((sum, each) => sum + each, 0);
  const isFixed = !isOurs || wanted !== null || isHeld(name);
  const open = [...seen.hosts].flatMap(([host, { isReady }]) => (isReady && !workload.notOn.has(host) ? [host] : []));
  return {
    name,
    memory,
    idle: {},
    sensitivity: {},
    pressure: {},
    pressureRate: null,
    minInstances: isFixed ? count : least,
    maxInstances: isFixed ? count : Math.max(count, most),
    // No more on one host than there are by chance: a second one there brings memory and nothing else.
    maxPerHost: Math.max(1, ...here.values()),
    hosts: isFixed ? [...here.keys()] : [...new Set([...here.keys(), ...open])],
    apart: [],
    startSeconds,
  };
}

function currentOf(workload: WorkloadSeen): InstanceSpec[] {
  return [...hostsOf(workload)].map(([host, instances]) => ({ host, workload: workload.name, instances }));
}

function loadsOf({ name, rate }: AskedApp, workload: WorkloadSeen | undefined, { rows }: InstancesInputs): LoadSpec[] {
  const here = workload === undefined ? new Map<string, number>() : hostsOf(workload);
  const weights = [...(columnsOf(rows).get(name) ?? [])].filter(([host, weight]) => weight > 0 && here.has(host));
  const sum = weights.reduce((total, [, weight]) => total + weight, 0);
  return weights.map(([host, weight]) => ({ host, column: name, rate: (rate * weight) / sum, weight }));
}

function runsOn(server: string, app: string, { spec, seen }: InstancesInputs): boolean {
  const workload = spec.apps.find(({ name }) => name === app)?.workloadRef?.name ?? '';
  return seen.workloads.get(workload)?.instances.some(({ host, isGoing }) => host === server && !isGoing) === true;
}
