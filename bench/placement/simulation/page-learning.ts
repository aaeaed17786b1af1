/** The section of the page on what learned parameters cost. Pure. */
import type { Learning } from './evaluate-learning.ts';
import { Figures } from './figures.ts';
import type { Findings } from './findings.ts';
import { LEARNED, STRONGEST, WHOLE } from './policies.ts';
import { ofLoad, percent, points, table } from './table.ts';
import type { Taken } from './taken.ts';
import { winsOf } from './wins.ts';

export type TakenLearning = Learning & { readonly taken?: Taken };

export function learningSection(learning: TakenLearning): string {
  const { loads, scenarios, runs } = learning;
  const figures = new Figures(learning, scenarios);
  const plain = new Figures(learning, scenarios, (each) => each.plain);
  const others = new Figures(learning, scenarios, (each) => !each.plain);
  const strongest = STRONGEST[0]!;
  const [, last] = LEARNED;
  const difference = (one: typeof WHOLE, other: typeof WHOLE, of = figures): string[] =>
    loads.map((load) => points(of.difference(one, other, load, 'replied')));
  const losses = loads.map((load) => {
    const { better, tie, worse, worst, median, best } = winsOf(
      figures.perScenario(last!, WHOLE, load, 'replied'),
      scenarios,
    );
    return [ofLoad(load), better, tie, worse, worst, median, best];
  });
  return `## With parameters learned

In place of the truth the solver and the caps get what \`src/learning\` finds: demand, costs, conflicts, growth, from the arrivals,
answers, seconds, levels and uses of a cluster that runs for one hour, or four, at an even 30 % of the reference, the first hour with equal replicas
and least connections, each later one as it was planned from what was known then. Nothing is given but hosts and the memory of
instances. ${runs.length === 1 ? 'One seed' : `${runs.length} seeds`}, paired with the whole by scenario, seed and load.${whenOf(learning.taken)}

${table(
  ['reply rate, %', ...loads.map(ofLoad)],
  [WHOLE, ...LEARNED, strongest].map((policy) => [
    policy.name,
    ...loads.map((load) => percent(figures.estimate(policy, load, 'replied'))),
  ]),
)}

**The loss**, learned less true, in percentage points:

${table(
  ['', ...loads.map(ofLoad)],
  [
    ...LEARNED.map((policy) => [policy.placement, ...difference(policy, WHOLE)]),
    [`${last!.placement}, plain scenarios`, ...difference(last!, WHOLE, plain)],
    [`${last!.placement}, others`, ...difference(last!, WHOLE, others)],
    [`${last!.placement}, less ${strongest.name} (true)`, ...difference(last!, strongest)],
  ],
)}

Scenario by scenario, after four hours (a tie is within 0.1 points):

${table(['load', 'better', 'tie', 'worse', 'worst, points', 'median', 'best'], losses)}

How far off what was learned is:

${table(
  [
    'after',
    'demand: median',
    '95th percentile',
    'cost: median',
    '95th percentile',
    'conflicts ≥ 0.1 found',
    'found where there is none',
    'kappa: median of the true ones',
    'of the learned ones',
  ],
  (['1 h', '4 h'] as const).map((name, at) => [name, ...foundText(learning.findings.map((each) => each[at]!))]),
)}`;
}

export function whenOf(taken: Taken | undefined): string {
  if (taken === undefined) return '';
  return ` ${taken.circumstances.date}, commit ${taken.circumstances.commit}, ${taken.minutes} minutes.`;
}

function foundText(findings: readonly Findings[]): string[] {
  const demand = findings.flatMap((each) => each.demand);
  const cost = findings.flatMap((each) => each.cost);
  const conflicts = findings.flatMap((each) => each.conflicts);
  const there = conflicts.filter(([truth]) => truth >= 0.1);
  const wrong = conflicts.filter(([truth, learned]) => truth === 0 && learned >= 0.1);
  const grown = findings.filter(({ kappa }) => kappa.true > 0).map(({ kappa }) => kappa);
  const part = (of: readonly number[], share: number): string => `${(100 * quantile(of, share)).toFixed(0)} %`;
  return [
    part(demand, 0.5),
    part(demand, 0.95),
    part(cost, 0.5),
    part(cost, 0.95),
    `${there.filter(([, learned]) => learned > 0).length} of ${there.length}`,
    String(wrong.length),
    quantile(
      grown.map((each) => each.true),
      0.5,
    ).toFixed(4),
    quantile(
      grown.map((each) => each.learned),
      0.5,
    ).toFixed(4),
  ];
}

function quantile(of: readonly number[], share: number): number {
  const sorted = of.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
