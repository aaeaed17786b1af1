/**
 * Caps that are computed: of what a server takes at once, each app there has the part that its planned work is of all that is
 * planned there, rounded up. So who is asked for too much waits for his own part, and takes nobody else's. Of all rules that
 * were simulated, the best (ADR 31).
 */
import { capsOf, type Columns, type Rows } from '../model/matrix-rows.ts';
import type { Amounts } from '../placement/problem/problem.ts';
import { type CellLoad, loadsWith } from './expected.ts';
import type { Planned } from './problem-of.ts';

/** A cap that differs by no more than this part of what it is, or by 1, is not changed: demand is never twice the same. */
const TOLERANCE = 0.25;
/** The whole, in parts that are added up, is not to be one more. */
const ROUNDING = 1e-9;

/** Where `rows` plan no load for a cell it keeps what it has, as weights do. None where caps are not asked for. */
export function plannedCaps(planned: Planned, rows: Rows): Columns {
  const { atOnce } = planned;
  if (atOnce === null) return new Map();
  const costs = new Map(planned.problem.columns.map(({ name, cost }) => [name, cost]));
  const cells = loadsWith(planned.problem, rows).map((cell) => ({
    ...cell,
    work: workOf(cell, costs.get(cell.column)!, planned),
  }));
  const whole = new Map(
    [...atOnce.keys()].map((host) => [host, secondsOf(planned.others.get(host) ?? {}, planned, host)]),
  );
  for (const { host, work } of cells) whole.set(host, whole.get(host)! + work);
  const caps = new Map([...capsOf(rows)].map(([app, column]) => [app, new Map(column)]));
  for (const { host, column, work } of cells) {
    if (work === 0) continue;
    const cap = Math.max(1, Math.ceil((atOnce.get(host)! * work) / whole.get(host)! - ROUNDING));
    const own = caps.get(column) ?? new Map<string, number>();
    caps.set(column, own.set(host, cap));
  }
  return caps;
}

/** Whether rows with these caps are another thing than those in force; null: they are not. Else one that is, for people. */
export function capThatDiffers(inForce: Rows, wanted: Rows): string | null {
  const [before, after] = [capsOf(inForce), capsOf(wanted)];
  for (const { server, weights } of wanted) {
    for (const { app } of weights) {
      const [old, cap] = [before.get(app)?.get(server), after.get(app)?.get(server)];
      if (old === cap) continue;
      if (old === undefined) return `${app} on ${server} gets ${cap}`;
      if (cap === undefined) return `${app} on ${server} has none any more`;
      if (Math.abs(cap - old) > Math.max(1, TOLERANCE * old))
        return `${app} on ${server} gets ${cap} in place of ${old}`;
    }
  }
  return null;
}

/** Seconds per second that a cell's requests are in flight when nothing makes them wait. */
function workOf({ host, column, rate }: CellLoad, cost: Amounts, planned: Planned): number {
  // What waits for something else than the server's own resources holds its place all the same.
  return rate * Math.max(secondsOf(cost, planned, host), planned.alone.get(column) ?? 0);
}

/** Time that work takes when it has its server to itself: one core, all of the others. */
function secondsOf(work: Amounts, { whole }: Planned, host: string): number {
  const capacity = whole.get(host) ?? {};
  return Object.entries(work).reduce((sum, [resource, amount]) => {
    const speed = resource === 'cpu' ? Math.min(1, capacity[resource] ?? 0) : (capacity[resource] ?? 0);
    return sum + (speed > 0 ? amount / speed : 0);
  }, 0);
}
