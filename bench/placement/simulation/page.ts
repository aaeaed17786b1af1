/** The page of an evaluation; what it claims is computed from the runs. Pure. */
import type { Evaluation } from './evaluate.ts';
import { Figures } from './figures.ts';
import { sharedCapsClaim, sharedCapsSection, type TakenMore } from './page-caps.ts';
import { learningSection, type TakenLearning } from './page-learning.ts';
import {
  CAP_ABLATION,
  DISPATCH_ABLATION,
  OTHERS,
  PLACEMENT_ABLATION,
  POLICIES,
  type Policy,
  STRONGEST,
  WHOLE,
} from './policies.ts';
import { SEEDS } from './scenarios.ts';
import { byPolicy, inSeconds, ofLoad, percent, points, signed, table } from './table.ts';
import type { Taken } from './taken.ts';
import { winsOf } from './wins.ts';

/** Figures that are as good as equal: a tie of two policies in a scenario. */

export function pageOf(
  evaluation: Evaluation,
  taken: Taken | null = null,
  { learning, caps }: { readonly learning?: TakenLearning; readonly caps?: TakenMore } = {},
): string {
  const { scenarios, loads, stopping } = evaluation;
  const all = new Figures(evaluation, scenarios);
  const plain = new Figures(evaluation, scenarios, (each) => each.plain);
  const others = new Figures(evaluation, scenarios, (each) => !each.plain);
  const sections = [
    head(evaluation, taken),
    claims(all, loads),
    caps === undefined ? '' : sharedCapsClaim(evaluation, caps),
    `## Reply rate\n\nAnswers within 5 s per request offered, in percent, with 95 % intervals.\n\n${byPolicy(all, POLICIES, WHOLE, loads, 'replied', percent)}`,
    losses(all, evaluation),
    ablation('## Placement', all, loads, PLACEMENT_ABLATION, PLACEMENT_TEXT),
    ablation('## Dispatch', all, loads, DISPATCH_ABLATION, DISPATCH_TEXT),
    ablation('## Caps', all, loads, CAP_ABLATION, CAP_TEXT),
    `## Where nothing conflicts\n\nA quarter of the scenarios has no conflicts and no growth of costs: what the model knows beyond its resources is nothing there. Differences of the whole to the strongest baselines:\n\n${table(
      ['', ...loads.map(ofLoad)],
      STRONGEST.flatMap((other) => [
        [`${other.name}, plain`, ...loads.map((load) => points(plain.difference(WHOLE, other, load, 'replied')))],
        [`${other.name}, others`, ...loads.map((load) => points(others.difference(WHOLE, other, load, 'replied')))],
      ]),
    )}`,
    `## The worst column\n\nOf every run the request class of which the smallest part was answered, in percent: who is sacrificed.\n\n${byPolicy(all, SOME, WHOLE, loads, 'worst', percent)}`,
    `## Latency\n\nOf what was answered: whoever answers less may answer that faster. Median, s:\n\n${byPolicy(all, SOME, WHOLE, loads, 'p50', inSeconds)}\n\n99th percentile, s:\n\n${byPolicy(all, SOME, WHOLE, loads, 'p99', inSeconds)}`,
    stopping.runs.length === 0 ? '' : stoppingSection(evaluation),
    caps === undefined ? '' : sharedCapsSection(evaluation, caps, learning ?? null),
    learning === undefined ? '' : learningSection(learning),
    LIMITS,
  ];
  return `${sections.filter((each) => each !== '').join('\n\n')}\n`;
}

const SOME = [WHOLE, ...CAP_ABLATION, ...STRONGEST, ...OTHERS];

const PLACEMENT_TEXT = `Weighted least connections and planned caps in all; the solver knows less and less. The whole less each, in percentage points: what the knowledge is worth.`;
const DISPATCH_TEXT = `The same placement and planned caps; the whole (weighted least connections by the plan's weights) less each. Round robin, P2C, peak EWMA and Prequal have equal weights. With caps, the queue in front of them does most of the choosing: what ways to dispatch are worth without caps is not measured here.`;
const CAP_TEXT = `The same placement and dispatch; the whole (planned caps) less each. The fixed cap is one number per scenario, of each cell or of each host, the best of eight on two other seeds at 120 % load: it has seen the scenario's requests, the planned ones have not. All caps have the same queue in front of them.`;

const LIMITS = `## What this does not say

- Clusters of 3 to 6 hosts, requests of 0.1 to 1 s: lighter requests in larger clusters have less chance in them, and leave a dispatcher less to do.
- The plan is made once, for 100 % of the demand; with true parameters, but for the section on learned ones.
- Servers accept up to 128 requests per instance and work on all of them. One with a limit of its own that fits would be as good as a cap, and that is what the best fixed cap stands for.
- The autoscaler has settled, the right thing is scheduled first, probes are answered at once: all of it is kind to the baselines.
- EAPAC's paper reports a reply rate that is better by 35 % than "the existing method", under a load and with a method that no text we could read tells. It stands here as a reference; nothing was tuned to it.`;

function head({ scenarios, runs, policies, loads, seconds, replaced }: Evaluation, taken: Taken | null): string {
  const short =
    runs.length < SEEDS
      ? ` **Reduced: ${runs.length} of the ${SEEDS} seeds that the evaluation asks for**; intervals are over ${scenarios.length} scenarios with ${runs.length === 1 ? 'one seed' : `${runs.length} seeds`} each.`
      : '';
  const when =
    taken === null
      ? ''
      : `\n\n${taken.circumstances.date}, commit ${taken.circumstances.commit}; ${taken.circumstances.machine}; ${taken.minutes} minutes, load of the machine ${taken.circumstances.load} at first, then ${taken.loads.join(', ')}. The load of the machine changes how long it takes, and no figure.`;
  const count = (runs.length * scenarios.length * policies.length * loads.length).toLocaleString('en');
  const passed =
    replaced.length === 0 ? '' : ` Passed over, since not every workload finds room: ${replaced.join(', ')}.`;
  return `# Policies under load, in simulation

Generated by \`make bench-simulation\`; method and code in [bench/placement/simulation](../../placement/simulation/README.md), the
distribution of scenarios, fixed beforehand, in [SCENARIOS.md](../../placement/simulation/SCENARIOS.md), every run in simulation.json.

${count} runs of ${seconds} s: ${scenarios.length} scenarios, ${runs.length === 1 ? 'one seed' : `${runs.length} seeds`}, ${policies.length} policies, ${loads.length} loads.${short}${passed}${when}

A policy is *placement / dispatch / cap*; the whole of tcpvs is **${WHOLE.name}**. Loads are parts of the largest demand that is known to
be servable. Differences are paired by scenario, seed and load; [low, high] are 95 % intervals by bootstrap over scenarios, then seeds.

![reply rate against offered load](simulation-replies.svg)

![median response time against offered load](simulation-latency.svg)`;
}

/** Each component's gain beside the strongest baseline's, at every load. */
function claims(figures: Figures, loads: readonly number[]): string {
  const gain = (name: string, other: Policy): string[] => [
    name,
    ...loads.map((load) => points(figures.difference(WHOLE, other, load, 'replied'))),
  ];
  const strongest = loads.map((load) => {
    const other = figures.best(STRONGEST, load);
    const estimate = figures.difference(WHOLE, other, load, 'replied');
    const relative = estimate.mean / figures.estimate(other, load, 'replied').mean;
    return { load, other, estimate, relative };
  });
  const sentences = strongest.map(({ load, other, estimate, relative }) => {
    const verdict = estimate.low > 0 ? 'better' : estimate.high < 0 ? '**worse**' : 'neither better nor worse';
    return `- at ${ofLoad(load)}: ${verdict}, ${points(estimate)} points (${signed(100 * relative)} %) to ${other.name}`;
  });
  return `## What is claimed

The whole against the strongest baseline, by reply rate:

${sentences.join('\n')}

What each component adds to the whole, one changed at a time, in percentage points of the reply rate:

${table(
  ['component', ...loads.map(ofLoad)],
  [
    gain('all resources, conflicts, concurrency (against cpu alone)', PLACEMENT_ABLATION[0]!),
    gain('conflicts and concurrency (against all resources)', PLACEMENT_ABLATION[1]!),
    gain('concurrency (against all resources and conflicts)', PLACEMENT_ABLATION[2]!),
    gain('weights and least connections (against round robin)', DISPATCH_ABLATION[0]!),
    gain('least connections (against weighted round robin)', DISPATCH_ABLATION[1]!),
    gain('caps (against none)', CAP_ABLATION[0]!),
    gain('planned caps (against the best fixed one)', CAP_ABLATION[1]!),
    ['**the whole against the strongest baseline**', ...strongest.map(({ estimate }) => `**${points(estimate)}**`)],
  ],
)}`;
}

function losses(figures: Figures, { loads, scenarios }: Evaluation): string {
  const rows = STRONGEST.flatMap((other) =>
    loads.map((load) => {
      const { better, tie, worse, worst, best } = winsOf(figures.perScenario(WHOLE, other, load, 'replied'), scenarios);
      return [other.name, ofLoad(load), better, tie, worse, worst, best];
    }),
  );
  return `## Wins and losses, scenario by scenario

The whole against the strongest baselines; a tie is within 0.1 points. Every scenario is a bar in the plot, the plain ones pale.

${table(['against', 'load', 'better', 'tie', 'worse', 'worst, points', 'best'], rows)}

![every scenario's difference](simulation-scenarios.svg)`;
}

function ablation(
  title: string,
  figures: Figures,
  loads: readonly number[],
  policies: readonly Policy[],
  text: string,
): string {
  const rows = policies.map((policy) => [
    policy.name,
    ...loads.map((load) => points(figures.difference(WHOLE, policy, load, 'replied'))),
  ]);
  return `${title}\n\n${text}\n\n${table(['the whole less', ...loads.map(ofLoad)], rows)}`;
}

function stoppingSection({ stopping, scenarios }: Evaluation): string {
  const figures = new Figures(stopping, scenarios);
  const policies = POLICIES.filter(({ name }) => stopping.policies.includes(name));
  return `## Servers that stop

The variant in which a server stops working on what its client has given up; ${stopping.runs.length === 1 ? 'one seed' : `${stopping.runs.length} seeds`}. Caps are worth less there, since nothing is wasted on nobody.

${byPolicy(figures, policies, WHOLE, stopping.loads, 'replied', percent)}`;
}
