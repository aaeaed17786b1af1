/** Cycles of changing demand, the same for all policies, each going on from what it had placed itself. */
import { seededRandom } from '../../src/placement/random.ts';
import { type Document, instance, type InstanceOptions } from './instances.ts';
import { CYCLES, cycleOf, type Pattern } from './patterns.ts';
import { place, POLICIES, type Policy } from './policies.ts';

export interface CycleRow {
  readonly pattern: Pattern;
  readonly alpha: number;
  readonly beta: number;
  readonly demand: string;
  readonly seed: number;
  readonly cycle: number;
  readonly policy: Policy;
  readonly satisfied: number;
  readonly worst: number;
  readonly low: number;
  readonly changes: number;
  readonly milliseconds: number;
}

export function compareCycles(options: InstanceOptions, pattern: Pattern): CycleRow[] {
  const base = instance(options);
  const rows: CycleRow[] = [];
  const held = new Map<Policy, Pick<Document, 'current' | 'load'>>();
  const random = seededRandom(options.seed * 65_537 + pattern.length);
  let document = base;
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    if (cycle > 0) document = cycleOf(base, document, pattern, cycle, random);
    let patience = 0;
    for (const policy of POLICIES) {
      // At first all start alike, so that differences are of the cycles and not of the beginning.
      const has = held.get(policy) ?? {};
      const outcome = place({ ...document, ...has }, cycle === 0 ? 'tcpvs' : policy, options.seed, patience);
      patience = Math.max(patience, outcome.milliseconds);
      held.set(policy, { current: outcome.current, load: outcome.load });
      const { current: _current, load: _load, ...figures } = outcome;
      const { alpha, beta, seed } = options;
      const demand = options.demand === 'uniform' ? 'uniform' : `power ${options.demand.exponent}`;
      if (cycle > 0) rows.push({ pattern, alpha, beta, demand, seed, cycle, policy, ...figures });
    }
  }
  return rows;
}
