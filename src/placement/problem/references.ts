/** What a schema cannot see: names that stand twice or are of nothing, and amounts that nobody can have. */
import { type Fault, type FieldPath, readText, toFault } from '../../api/faults.ts';
import { nearest } from '../../api/known-fields.ts';
import type { Amounts, Problem } from './problem.ts';

/** Faults of a problem whose fields are right each for itself. */
export function referenceFaults(problem: Problem, object: string): Fault[] {
  const faults: Fault[] = [];
  const fault = (path: FieldPath, read: unknown, expected: string): void => {
    faults.push(toFault(object, path, readText(read), expected));
  };
  const hosts = namesOf('hosts', problem.hosts, fault);
  const workloads = namesOf('workloads', problem.workloads, fault);
  const columns = namesOf('columns', problem.columns, fault);
  const resources = new Set(problem.hosts.flatMap(({ capacity }) => Object.keys(capacity)));

  const known = (path: FieldPath, read: string, names: ReadonlySet<string>, what: string): void => {
    if (names.has(read)) return;
    const near = names.size > 10_000 ? null : nearest(read, [...names]);
    fault(path, read, `the name of a ${what} of this problem${near === null ? '' : `; nearest is "${near}"`}`);
  };
  const knownAmounts = (path: FieldPath, given: Amounts): void => {
    for (const resource of Object.keys(given)) {
      if (!resources.has(resource)) fault([...path, resource], resource, 'a resource that hosts have a capacity of');
    }
  };

  for (const [at, { hosts: allowed, apart, minInstances, maxInstances, ...each }] of problem.workloads.entries()) {
    for (const [index, host] of (allowed ?? []).entries())
      known(['workloads', at, 'hosts', index], host, hosts, 'host');
    for (const [index, other] of apart.entries())
      known(['workloads', at, 'apart', index], other, workloads, 'workload');
    if (minInstances > maxInstances) {
      fault(['workloads', at, 'minInstances'], minInstances, `at most maxInstances, ${maxInstances}`);
    }
    for (const field of ['idle', 'sensitivity', 'pressure'] as const)
      knownAmounts(['workloads', at, field], each[field]);
  }
  const used = new Set<string>();
  for (const [at, { workload, cost }] of problem.columns.entries()) {
    known(['columns', at, 'workload'], workload, workloads, 'workload');
    knownAmounts(['columns', at, 'cost'], cost);
    if (!Object.values(cost).some((amount) => amount > 0)) {
      fault(['columns', at, 'cost'], cost, 'at least one resource of which a request needs more than 0');
    }
    for (const resource of Object.keys(cost)) used.add(resource);
  }
  for (const [at, { capacity }] of problem.hosts.entries()) {
    for (const resource of used) {
      if (resources.has(resource) && !Object.hasOwn(capacity, resource)) {
        fault(['hosts', at, 'capacity', resource], undefined, 'a quantity, because costs name this resource');
      }
    }
  }
  for (const [at, each] of problem.conflicts.entries()) {
    known(['conflicts', at, 'workload'], each.workload, workloads, 'workload');
    known(['conflicts', at, 'with'], each.with, workloads, 'workload');
    if (!resources.has(each.resource)) {
      fault(['conflicts', at, 'resource'], each.resource, 'a resource that hosts have a capacity of');
    }
  }
  const running = new Set<string>();
  for (const [at, each] of (problem.current ?? []).entries()) {
    known(['current', at, 'host'], each.host, hosts, 'host');
    known(['current', at, 'workload'], each.workload, workloads, 'workload');
    const key = JSON.stringify([each.host, each.workload]);
    if (running.has(key)) fault(['current', at], each.workload, 'each workload once on a host, with its instances');
    running.add(key);
  }
  const loaded = new Set<string>();
  for (const [at, each] of problem.load.entries()) {
    known(['load', at, 'host'], each.host, hosts, 'host');
    known(['load', at, 'column'], each.column, columns, 'column');
    const key = JSON.stringify([each.host, each.column]);
    if (loaded.has(key)) fault(['load', at], each.column, 'each column once on a host');
    loaded.add(key);
  }
  return faults;
}

function namesOf(
  list: 'hosts' | 'workloads' | 'columns',
  items: readonly { readonly name: string }[],
  fault: (path: FieldPath, read: unknown, expected: string) => void,
): Set<string> {
  const names = new Set<string>();
  for (const [at, { name }] of items.entries()) {
    if (names.has(name)) fault([list, at, 'name'], name, `each name once in ${list}`);
    names.add(name);
  }
  return names;
}
