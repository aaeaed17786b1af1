/** Where instances run, and with which weights: the solver with more and more of the truth, and what people do without one. */
import type { Optimizer } from '../../../src/placement/program/linear-program.ts';
import type { Document } from '../instances.ts';
import { withProfile } from './profile.ts';
import { solveDocument } from './solve-document.ts';

export interface Placement {
  readonly instances: readonly { readonly host: number; readonly workload: number; readonly count: number }[];
  /** Per instance of a column's workload. */
  readonly cells: readonly PlacedCell[];
}

export interface PlacedCell {
  readonly host: number;
  readonly column: number;
  /** Requests/s as planned; where nothing is planned, an equal part. */
  readonly rate: number;
  readonly weight: number;
  /** Instances behind it. */
  readonly count: number;
}

/** What the solver is told, each with what the one before knows. */
export const KNOWLEDGE = ['proportional', 'multi-resource', '+ conflict', '+ concurrency'] as const;
export type Knowledge = (typeof KNOWLEDGE)[number];

/** @param reference a document at 100 %, with the truth */
export function solved(reference: Document, knowledge: Knowledge, optimizer: Optimizer): Placement {
  const document = knownAs(reference, knowledge);
  const { instances, load } = solveDocument(document, 1, optimizer);
  const hosts = indexOf(reference.hosts);
  const workloads = indexOf(reference.workloads);
  const columns = indexOf(reference.columns);
  const placed = instances.map(({ host, workload, count }) => ({
    host: hosts.get(host)!,
    workload: workloads.get(workload)!,
    count,
  }));
  const counts = new Map(instances.map(({ host, workload, count }) => [`${host} ${workload}`, count]));
  return {
    instances: placed,
    cells: load.map(({ host, column, rate, weight }) => ({
      host: hosts.get(host)!,
      column: columns.get(column)!,
      rate,
      weight,
      count: counts.get(`${host} ${reference.columns[columns.get(column)!]!.workload}`)!,
    })),
  };
}

function knownAs(reference: Document, knowledge: Knowledge): Document {
  switch (knowledge) {
    case 'proportional':
      return {
        ...withoutConcurrency(withoutConflict(reference)),
        hosts: reference.hosts.map(({ name, capacity, memory }) => ({ name, memory, capacity: cpuOf(capacity) })),
        columns: reference.columns.map((column) => ({ ...column, cost: cpuOf(column.cost) })),
      };
    case 'multi-resource':
      return withoutConcurrency(withoutConflict(reference));
    case '+ conflict':
      return withoutConcurrency(reference);
    case '+ concurrency':
      return withProfile(reference);
    default:
      return knowledge satisfies never;
  }
}

const cpuOf = (amounts: Record<string, number>): Record<string, number> => ({ cpu: amounts['cpu'] ?? 0 });

function withoutConflict(document: Document): Document {
  const workloads = document.workloads.map(({ sensitivity: _s, pressure: _p, ...workload }) => workload);
  return { ...document, workloads };
}

function withoutConcurrency(document: Document): Document {
  return { ...document, kappa: {}, hosts: document.hosts.map(({ concurrency: _n, ...host }) => host) };
}

/** Equal weights per instance, and an equal part of the demand planned for each. */
export function evenly(reference: Document, counts: readonly Int32Array[]): Placement {
  const instances = counts.flatMap((onHosts, workload) =>
    Array.from(onHosts, (count, host) => ({ host, workload, count })).filter(({ count }) => count > 0),
  );
  const workloads = indexOf(reference.workloads);
  const cells = reference.columns.flatMap(({ workload, rate }, column) => {
    const at = workloads.get(workload)!;
    const total = counts[at]!.reduce((a, b) => a + b, 0);
    return instances
      .filter((instance) => instance.workload === at)
      .map(({ host, count }) => ({ host, column, count, weight: count, rate: (rate * count) / total }));
  });
  return { instances, cells };
}

export function indexOf(items: readonly { readonly name: string }[]): Map<string, number> {
  return new Map(items.map(({ name }, at) => [name, at]));
}
