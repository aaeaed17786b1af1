/** The section of the page on a rule for caps that came later. Pure. */
import { joined, type More } from './evaluate-more.ts';
import type { Evaluation } from './evaluate.ts';
import { Figures } from './figures.ts';
import { type TakenLearning, whenOf } from './page-learning.ts';
import { BY_SHARE, CAP_ABLATION, LEARNED, type Policy, QUEUES, STRONGEST, WHOLE } from './policies.ts';
import { byPolicy, inSeconds, ofLoad, percent, points, table } from './table.ts';
import type { Taken } from './taken.ts';
import { winsOf } from './wins.ts';

export type TakenMore = More & { readonly taken?: Taken };

/** What is claimed with them, for the head of the page. */
export function sharedCapsClaim(evaluation: Evaluation, caps: TakenMore): string {
  const figures = new Figures(joined(evaluation, caps), evaluation.scenarios);
  const gains = evaluation.loads.map((load) => {
    const difference = points(figures.difference(BY_SHARE[0]!, STRONGEST[0]!, load, 'replied'));
    return `${difference} points at ${ofLoad(load)}`;
  });
  return `With [caps by share](#caps-by-share), a rule that came later, in place of the planned ones, against ${STRONGEST[0]!.name}: ${gains.join(', ')}.`;
}

export function sharedCapsSection(evaluation: Evaluation, caps: TakenMore, learning: TakenLearning | null): string {
  const { loads, scenarios } = evaluation;
  const all = joined(evaluation, caps);
  const figures = new Figures(all, scenarios);
  const [shared, learned] = BY_SHARE as [Policy, Policy];
  const [, fixed] = CAP_ABLATION as [Policy, Policy];
  const [strongest] = STRONGEST as [Policy];
  const row = (name: string, one: Policy, other: Policy, of = figures): string[] => [
    name,
    ...loads.map((load) => points(of.difference(one, other, load, 'replied'))),
  ];
  const losses = loads.map((load) => {
    const { better, tie, worse, worst, best } = winsOf(
      figures.perScenario(shared, strongest, load, 'replied'),
      scenarios,
    );
    return [ofLoad(load), better, tie, worse, worst, best];
  });
  return `## Caps by share

A rule that came after the runs above, found on scenarios from 1001 on: the host's cap is as planned; a cell's is its part of that, by the work that is
planned for it, rounded up. So much a cell may always have, and more as long as its host is not full. With the planned caps above a cell may
have whatever the host has room for, and in overload whoever is asked for too much takes it from the others.
${all.runs.length === 1 ? 'One seed' : `${all.runs.length} seeds`}, the same requests.${whenOf(caps.taken)}

${table(
  ['reply rate, %', ...loads.map(ofLoad)],
  [shared, WHOLE, fixed, strongest, learned].map((policy) => [
    policy.name,
    ...loads.map((load) => percent(figures.estimate(policy, load, 'replied'))),
  ]),
)}

Caps by share less each, in percentage points:

${table(
  ['', ...loads.map(ofLoad)],
  [
    row(`${WHOLE.name}: the rule alone`, shared, WHOLE),
    row(`${fixed.name}: the same placement`, shared, fixed),
    row(`**${strongest.name}: the strongest baseline**`, shared, strongest),
    [
      'the same, of the worst column',
      ...loads.map((load) => points(figures.difference(shared, strongest, load, 'worst'))),
    ],
    ...(learning === null
      ? []
      : [
          row(
            `with parameters learned: ${LEARNED[1]!.name}`,
            learned,
            LEARNED[1]!,
            new Figures(joined(learning, caps), scenarios),
          ),
        ]),
    row(`with parameters learned: ${strongest.name} (true)`, learned, strongest),
  ],
)}

Scenario by scenario, with true parameters against the strongest baseline (a tie is within 0.1 points):

${table(['load', 'better', 'tie', 'worse', 'worst, points', 'best'], losses)}

${queueSection(figures, loads)}`;
}

function queueSection(figures: Figures, loads: readonly number[]): string {
  const [shared] = BY_SHARE as [Policy, Policy];
  const [strongest] = STRONGEST as [Policy];
  const [followed, , timed, theirs] = QUEUES as [Policy, Policy, Policy, Policy];
  const all = [shared, ...QUEUES, strongest];
  const less = (name: string, one: Policy, other: Policy): string[] => [
    name,
    ...loads.map((load) => points(figures.difference(one, other, load, 'replied'))),
  ];
  return `### What the queue gives up

Above, the queue before caps knows from the plan what answers take, and sheds in time. A proxy has no plan. *followed*: the product's
\`queue.deadline\`, which follows what forty-nine of fifty answers took, those included that clients gave up; *of 4 s*: whoever has waited for
four seconds of the client's five is given up, as other proxies' queues have it. Best fixed caps are tuned with the queue that they have.

Reply rate, in percent:

${byPolicy(figures, all, shared, loads, 'replied', percent)}

${table(
  ['points', ...loads.map(ofLoad)],
  [
    less('followed less planned', followed, shared),
    less('followed less of 4 s', followed, timed),
    less(`**followed less ${theirs.name}**`, followed, theirs),
  ],
)}

Median of the response times, s:

${byPolicy(figures, all, shared, loads, 'p50', inSeconds)}`;
}
