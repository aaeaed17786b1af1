/** Where instances run, by what the solver knows; and the cells of a policy, as manifests need them. Pure. */
import type { Optimizer } from '../../../src/placement/program/linear-program.ts';
import { capOf } from '../../../src/placement/weights.ts';
import type { Document } from '../instances.ts';
import { responseSeconds } from '../simulation/profile.ts';
import { solveDocument } from '../simulation/solve-document.ts';
import { autoscaled } from '../simulation/today.ts';
import type { Cell } from './manifests.ts';
import { isWeighted, type PlacementName, type Policy } from './policies.ts';
import type { Scenario } from './scenarios.ts';

/** A cell with what it is planned to serve. */
export interface PlannedCell {
  readonly node: string;
  readonly app: string;
  readonly weight: number;
  /** Requests/s at 100 %. */
  readonly rate: number;
}

/** @param load part of the reference that is offered; only the autoscaler follows it */
export function placed(
  { byHand = [] }: Scenario,
  reference: Document,
  placement: PlacementName,
  load: number,
  optimizer: Optimizer,
): PlannedCell[] {
  if (placement === 'autoscaled') {
    const { hosts, columns } = reference;
    return autoscaled(reference, load).cells.map(({ host, column, weight, rate }) => ({
      node: hosts[host]!.name,
      app: columns[column]!.name,
      weight,
      rate,
    }));
  }
  if (placement === 'by hand') {
    const rates = new Map(reference.columns.map(({ name, rate }) => [name, rate]));
    return byHand.map(([node, app, weight]) => ({ node, app, weight, rate: (rates.get(app)! * weight) / 100 }));
  }
  const { load: cells } = solveDocument(knownAs(reference, placement), 1, optimizer);
  return cells.map(({ host, column, weight, rate }) => ({ node: host, app: column, weight, rate }));
}

/** @param fixed the best fixed cap, for policies that have one */
export function cellsOf(
  reference: Document,
  scenario: Scenario,
  planned: readonly PlannedCell[],
  policy: Policy,
  fixed: number,
): Cell[] {
  const capsOf = {
    none: () => null,
    adaptive: () => null,
    'best fixed': () => fixed,
    planned: (cell: PlannedCell) => plannedCap(reference, scenario, planned, cell),
    'by share': (cell: PlannedCell) => shareOfNode(reference, scenario, planned, { cell, fixed }),
  };
  return planned.map((cell) => ({
    node: cell.node,
    app: cell.app,
    weight: isWeighted(policy.dispatch) ? cell.weight : 1,
    cap: capsOf[policy.cap](cell),
  }));
}

/** Little's law with room for chance, where the node is as full as it is planned to be: what `tcpvs optimize` says. */
function plannedCap(
  { hosts, columns }: Document,
  { apps }: Scenario,
  planned: readonly PlannedCell[],
  { node, app, rate }: PlannedCell,
): number | null {
  const { capacity } = hosts.find(({ name }) => name === node)!;
  const costOf = (name: string): Record<string, number> => columns.find((column) => column.name === name)!.cost;
  const used = (resource: string): number =>
    planned
      .filter((cell) => cell.node === node)
      .reduce((sum, cell) => sum + cell.rate * (costOf(cell.app)[resource] ?? 0), 0) / capacity[resource]!;
  const working = responseSeconds(costOf(app), capacity, { cpu: used('cpu'), io: used('io') });
  const waiting = apps.find(({ name }) => name === app)!.wait / 1000;
  return capOf(rate, working + waiting, 0, 0);
}

/**
 * As `placement.caps: Computed` divides what a node takes at once: by planned work. A node takes what its instances take
 * together under the best fixed cap: the number is the same, and only how it is divided is not.
 */
function shareOfNode(
  { hosts, columns }: Document,
  { apps }: Scenario,
  planned: readonly PlannedCell[],
  { cell, fixed }: { readonly cell: PlannedCell; readonly fixed: number },
): number {
  const { capacity } = hosts.find(({ name }) => name === cell.node)!;
  const workOf = ({ app, rate }: PlannedCell): number => {
    const { cost } = columns.find(({ name }) => name === app)!;
    const waiting = apps.find(({ name }) => name === app)!.wait / 1000;
    return rate * (responseSeconds(cost, capacity, { cpu: 0, io: 0 }) + waiting);
  };
  const there = planned.filter(({ node }) => node === cell.node);
  const whole = there.reduce((sum, each) => sum + workOf(each), 0);
  // One that is only kept warm is planned nothing, and not limited by it.
  if (whole === 0 || workOf(cell) === 0) return fixed;
  return Math.ceil((fixed * there.length * workOf(cell)) / whole);
}

function knownAs(reference: Document, placement: Exclude<PlacementName, 'autoscaled' | 'by hand'>): Document {
  const { conflicts: _conflicts, ...without } = reference;
  switch (placement) {
    case 'proportional':
      return {
        ...without,
        hosts: without.hosts.map((host) => ({ ...host, capacity: cpuOf(host.capacity) })),
        columns: without.columns.map((column) => ({ ...column, cost: cpuOf(column.cost) })),
      };
    case 'multi-resource':
      return without;
    case '+ conflict':
      return reference;
    default:
      return placement satisfies never;
  }
}

const cpuOf = (amounts: Record<string, number>): Record<string, number> => ({ cpu: amounts['cpu'] ?? 0 });
