/** The figures as a page for people. Pure. */
import type { AtRest } from './at-rest.ts';
import { words } from './faults-page.ts';

export interface Figures {
  readonly scenario: string;
  readonly what: string;
  readonly mode: string;
  readonly requests: number;
  readonly failed: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly milliseconds: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly seconds: number;
  readonly failures: readonly { readonly at: number; readonly path: string; readonly what: string }[];
  /** Replicas whose snapshot was afterwards that of the API's objects; null: not all; absent: it was not compared. */
  readonly agreed?: { readonly controllers: number; readonly proxies: number } | null;
  readonly date?: string;
  readonly [detail: string]: unknown;
}

/** Of the API server's audit log. */
interface Rights {
  /** All scenarios were run: then no right may be unused. */
  readonly whole: boolean;
  readonly rights: number;
  readonly refused: readonly string[];
  readonly tooEarly: readonly string[];
  readonly unused: readonly string[];
}

export interface ResultsDocument {
  readonly version: string;
  readonly date: string;
  readonly machine: string;
  readonly figures: readonly Figures[];
  readonly atRest?: AtRest;
  readonly rights?: Rights;
}

/** `faults`: what `faultsSection` made. */
export function page(document: ResultsDocument, faults: readonly string[] = []): string {
  const { version, date, machine, figures, atRest, rights } = document;
  return [
    '# Reliability',
    '',
    'Generated from `bench/results`, by the runs that write them: `make reliability` for a cluster, `make faults` for faults of',
    'one proxy, `make soak`, and `make audit`.',
    '',
    '## In a cluster',
    '',
    'A real control plane (API server, etcd, controller manager, scheduler),',
    'three nodes, the chart as it is, two controllers, two proxies; clients outside ask at a constant rate over kept-alive',
    'connections, half of the requests for an app behind a Service, half for one that a matrix spreads over nodes. A request',
    'has failed if its answer is not 200, or if there is none. No client tries again.',
    '',
    'The last column: afterwards the API’s objects are read anew and translated, and the snapshot that follows is compared with',
    'the one that each controller offers and each proxy serves, and every object’s status with its generation.',
    '',
    '| what happens meanwhile | requests | failed | p50, ms | p99, ms | max, ms | besides | what is served is what the API says |',
    '| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |',
    ...figures.map(row),
    '',
    ...figures.filter(({ failed }) => failed > 0).flatMap(failuresOf),
    ...(atRest === undefined ? [] : restOf(atRest)),
    ...(rights === undefined ? [] : rightsOf(rights)),
    ...faults,
    '## What this does not show',
    '',
    ...LIMITS,
    '',
    `tcpvs ${version}, ${date.slice(0, 10)}; ${machine}.`,
    '',
  ].join('\n');
}

const KNOWN: ReadonlySet<string> = new Set(
  'scenario what mode requests failed statuses milliseconds seconds failures agreed date'.split(' '),
);

function row(figures: Figures): string {
  const { what, requests, failed, milliseconds } = figures;
  const { p50, p99, max } = milliseconds;
  const besides = Object.entries(figures)
    .filter(([name]) => !KNOWN.has(name))
    .map(([name, value]) => `${words(name)} ${Array.isArray(value) ? value.join(', ') : String(value)}`);
  return `| ${what} | ${requests.toLocaleString('en')} | ${failed} | ${p50} | ${p99} | ${max} | ${besides.join('; ')} | ${agreementOf(figures)} |`;
}

function agreementOf({ agreed }: Figures): string {
  if (agreed === undefined) return 'not compared';
  return agreed === null ? '**no**' : `${agreed.controllers} controllers, ${agreed.proxies} proxies`;
}

function restOf({ minutes, controllers, requestsPerMinute }: AtRest): string[] {
  return [
    '## What is asked of the API server at rest',
    '',
    `Requests per minute, over ${minutes} minutes in which nothing happened; ${controllers} controllers together.`,
    '',
    '| account | request | per minute |',
    '| --- | --- | ---: |',
    ...Object.entries(requestsPerMinute).flatMap(([account, counts]) => {
      const name = account.split(':').at(-1) ?? account;
      const rows = Object.entries(counts).toSorted(([, a], [, b]) => b - a);
      const all = rows.reduce((sum, [, count]) => sum + count, 0);
      return [
        ...rows.map(([deed, count]) => `| ${name} | ${deed} | ${count.toFixed(1)} |`),
        `| ${name} | **all** | ${all.toFixed(1)} |`,
      ];
    }),
    '',
  ];
}

function rightsOf({ whole, rights, refused, tooEarly, unused }: Rights): string[] {
  return [
    '## What the accounts may do, and what they did',
    '',
    `By the audit log of ${whole ? 'the whole run' : 'the last run, which had some of the scenarios only'}; ${rights} rights of the chart.`,
    '',
    'Refused for want of a right:',
    '',
    ...list(refused),
    '',
    `Refused although there is the right, by an API server that had just started: ${tooEarly.length} kinds of request; they are`,
    'tried again.',
    '',
    'Rights that were not used:',
    '',
    ...list(unused),
    '',
  ];
}

const list = (lines: readonly string[]) => (lines.length === 0 ? ['none'] : lines).map((line) => `- ${line}`);

const LIMITS = [
  'Nodes are network namespaces of one machine, so that packets are neither lost nor late but by its own load; the load is',
  '700 requests per second (200 with reduced counts). “Away” is an API server that was killed: one that is asked to end takes',
  'its address out of the Service `kubernetes` first, and when it is back, whoever asks by that address waits for kube-proxy to',
  'have learnt it, up to a minute and more, which no controller can shorten. The next version is the same program under another',
  'number. Tests with the other ways in (the nodes’ own network, node ports) are `test/platform`; they count no 100,000 requests.',
];

function failuresOf({ what, failures }: Figures): string[] {
  const lines = failures.map(({ at, path, what: happened }) => `- after ${at} ms, ${path}: ${happened}`);
  return [`Failures: ${what}`, '', ...lines, ''];
}
