/** What 100 % is: the largest scale of a scenario's demand that is known to be served, with true parameters. */
import type { Optimizer } from '../../../src/placement/program/linear-program.ts';
import type { Document } from '../instances.ts';
import type { Scenario } from './scenarios.ts';
import { solveDocument } from './solve-document.ts';

/** Of three seeds the best counts. */
const SEEDS = [1, 2, 3];
const STEPS = 5;
/** Of the subset search: clusters are small, and three seeds look in different places. */
const ROUNDS = 30;
/** Served to within this, all is served. */
const ALL = 0.999;

/**
 * The scenario's document with its rates at 100 %, its kappa, and hosts at the concurrency that just keeps processor and disk
 * busy. null: not every workload finds room.
 */
export function referenceOf(scenario: Scenario, optimizer: Optimizer): Document | null {
  const document: Document = {
    ...scenario.document,
    hosts: scenario.document.hosts.map((host) => ({ ...host, concurrency: Math.ceil(host.capacity['cpu']!) + 1 })),
    kappa: { default: scenario.kappa },
  };
  return atFullLoad(document, optimizer);
}

/** A document with its rates at 100 %. null: not every workload finds room. */
export function atFullLoad(document: Document, optimizer: Optimizer): Document | null {
  const scale = largestScale(document, optimizer);
  return scale > 0 ? { ...document, columns: scaled(document, scale) } : null;
}

function largestScale(document: Document, optimizer: Optimizer): number {
  /** What the placement for a demand serves of every column, at least: so much of the demand is served in whole. */
  const servedAt = (scale: number, seed: number): number => {
    const columns = scaled(document, scale);
    const { served } = solveDocument({ ...document, columns }, seed, optimizer, ROUNDS);
    const rates = new Map(served.map(({ column, rate }) => [column, rate]));
    return scale * Math.min(...columns.map(({ name, rate }) => rates.get(name)! / rate));
  };
  const above = bound(document);
  let low = Math.max(...SEEDS.map((seed) => servedAt(above, seed)));
  let high = above;
  for (let step = 0; step < STEPS && low < ALL * high; step++) {
    const scale = (low + high) / 2;
    let best = low;
    for (const seed of SEEDS) {
      if (best < ALL * scale) best = Math.max(best, servedAt(scale, seed));
    }
    if (best < ALL * scale) high = scale;
    low = best;
  }
  return low;
}

/** More than this nobody can serve: some resource of all hosts together would not suffice, were there no conflict. */
function bound({ hosts, columns }: Document): number {
  const scales = Object.keys(hosts[0]!.capacity).map((resource) => {
    const has = hosts.reduce((sum, { capacity }) => sum + capacity[resource]!, 0);
    return has / columns.reduce((sum, { rate, cost }) => sum + rate * (cost[resource] ?? 0), 0);
  });
  return Math.min(...scales);
}

function scaled({ columns }: Document, scale: number): Document['columns'] {
  return columns.map((column) => ({ ...column, rate: column.rate * scale }));
}
