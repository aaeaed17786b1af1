/** Real servers as placement sees them: how much they can do, and what others use of it. */
import type { RealServerSpec } from '../api/real-server.ts';
import type { MatrixProfile } from '../model/profiles.ts';
import type { Amounts } from '../placement/problem/problem.ts';
import { parseQuantity } from '../placement/problem/quantity.ts';
import { columnsOf, type Rows } from './rows.ts';

export interface ServerFacts {
  /** Per second, by resource: cores, bytes. What is not known is not there. */
  readonly capacity: Amounts;
  /** It takes no new work. */
  readonly quiesced: boolean;
}

/** What requests use; memory and pods are not used up by requests. */
const BY_REQUESTS = ['cpu', 'io', 'net'] as const;

export function serverFacts({ capacity, quiesce }: RealServerSpec): ServerFacts {
  const amounts = BY_REQUESTS.flatMap((resource) => {
    const given = capacity?.[resource];
    const amount = given === undefined ? null : parseQuantity(given);
    return amount === null ? [] : [[resource, amount] as const];
  });
  return { capacity: Object.fromEntries(amounts), quiesced: quiesce };
}

/** What a matrix' apps use of its servers with the weights that it has, as far as their costs are known. */
export function usedBy(rows: Rows, { apps }: MatrixProfile): Map<string, Amounts> {
  const columns = columnsOf(rows);
  const used = new Map<string, Record<string, number>>();
  for (const { app, demand, cost } of apps) {
    const cells = [...(columns.get(app) ?? [])];
    const sum = cells.reduce((total, [, weight]) => total + weight, 0);
    for (const [server, weight] of cells) {
      if (weight === 0) continue;
      const amounts = used.get(server) ?? {};
      used.set(server, amounts);
      for (const [resource, { upper }] of Object.entries(cost)) {
        amounts[resource] = (amounts[resource] ?? 0) + (demand.value * weight * upper) / sum;
      }
    }
  }
  return used;
}

/** Sums by server and resource. */
export function addUp(all: readonly ReadonlyMap<string, Amounts>[]): Map<string, Amounts> {
  const sums = new Map<string, Amounts>();
  for (const each of all) {
    for (const [server, amounts] of each) {
      const sum = { ...sums.get(server) };
      for (const [resource, amount] of Object.entries(amounts)) sum[resource] = (sum[resource] ?? 0) + amount;
      sums.set(server, sum);
    }
  }
  return sums;
}
