/**
 * What the instances of workloads use, from the control groups that they run in: `DIR/SERVER/WORKLOAD`, with the name of the
 * RealServer (`NAMESPACE.NAME` outside of `default`), and that of the workload, or of the app where none is named.
 */
import { join } from 'node:path';

import { readUsage, type Usage } from '../cgroups/usage.ts';
import type { MatrixGiven } from '../learning/profile-book.ts';
import type { Use } from '../learning/resource-book.ts';
import type { ObjectKey } from '../model/snapshot.ts';

/** Groups that are read at once. */
const AT_ONCE = 32;

export class InstanceUsage {
  readonly #directory: string;
  readonly #now: () => number;
  #before = new Map<string, Reading>();

  /** @param now milliseconds, of a clock that is never set */
  constructor(directory: string, now: () => number = () => performance.now()) {
    this.#directory = directory;
    this.#now = now;
  }

  /** What was used since the call before, by matrix. A group that is new, or was made anew, begins here. */
  async read(matrices: readonly MatrixGiven[]): Promise<Map<ObjectKey, Use[]>> {
    const instances = matrices.flatMap(({ matrix, workloads }) =>
      workloads.flatMap(({ workload, servers }) =>
        servers.map((server) => ({ matrix, server, workload, group: join(this.#directory, place(server), workload) })),
      ),
    );
    const readings = await this.#readings(new Set(instances.map(({ group }) => group)));
    const uses = new Map<ObjectKey, Use[]>();
    for (const { matrix, server, workload, group } of instances) {
      const use = difference(this.#before.get(group), readings.get(group));
      if (use === null) continue;
      const known = uses.get(matrix);
      if (known === undefined) uses.set(matrix, [{ server, workload, ...use }]);
      else known.push({ server, workload, ...use });
    }
    this.#before = readings;
    return uses;
  }

  async #readings(groups: ReadonlySet<string>): Promise<Map<string, Reading>> {
    const readings = new Map<string, Reading>();
    const left = groups.values();
    const reader = async () => {
      for (const group of left) {
        const usage = await readUsage(group);
        if (usage !== null) readings.set(group, { usage, at: this.#now() });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, reader));
    return readings;
  }
}

interface Reading {
  readonly usage: Usage;
  readonly at: number;
}

function place(server: ObjectKey): string {
  const [namespace, name = ''] = server.split('/');
  return namespace === 'default' ? name : `${namespace}.${name}`;
}

function difference(before: Reading | undefined, after: Reading | undefined): Pick<Use, 'seconds' | 'amounts'> | null {
  if (before === undefined || after === undefined) return null;
  const amounts: Record<string, number> = {};
  for (const resource of ['cpu', 'io'] as const) {
    const [then, now] = [before.usage[resource], after.usage[resource]];
    if (then === undefined || now === undefined) continue;
    if (now < then) return null;
    amounts[resource] = now - then;
  }
  return { seconds: (after.at - before.at) / 1000, amounts };
}
