/** The recorded demo and the soak, as their tests have kept them, in words; pure. */
import type { Slope } from '../measure/statistics.ts';
import { table } from './tables.ts';

export interface RecordedDemo {
  readonly connectionsPerApp: number;
  readonly callsPerConnection: number;
  readonly errors: number;
  readonly byTcpvs: readonly Shares[];
  readonly byServers: readonly Shares[];
}

interface Shares {
  readonly app: string;
  readonly cells: readonly { readonly server: string; readonly asked: number; readonly requests: number }[];
  readonly offBy: number;
}

export function recordedDemoTable(demo: RecordedDemo): string {
  const rows = demo.byServers.flatMap((row, at) =>
    row.cells.map((cell, index) => [
      row.app,
      cell.server,
      (100 * cell.asked).toFixed(2),
      cell.requests.toLocaleString('en'),
      (demo.byTcpvs[at]?.cells[index]?.requests ?? 0).toLocaleString('en'),
      row.offBy.toFixed(2),
    ]),
  );
  const calls = demo.connectionsPerApp.toLocaleString('en');
  return `The recorded demo: httperf, ${calls} connections per app with ${demo.callsPerConnection} calls each, two workers, ${demo.errors} errors\n\n${table(
    ['app', 'server', 'asked, %', 'served', 'counted by tcpvs', 'off by'],
    rows,
  )}`;
}

export interface Soak {
  readonly minutes: number;
  readonly rate: number;
  /** What the machine carried, and why no more. Not there, as the next two, where a run was kept before they were told; null: the rate was given. */
  readonly capacity?: { readonly rate: number; readonly limit: string | null } | null;
  readonly notSent?: number;
  readonly cpuSecondsBeside?: { readonly clients: number; readonly servers: number };
  readonly changes: number;
  readonly cpuSeconds: number;
  readonly clients: Readonly<Record<string, { readonly done: number; readonly failed: number }>>;
  readonly verdict: {
    /** Not there where a run was kept before they were told apart, as latency is not. */
    readonly objects?: Slope;
    readonly code?: Slope;
    readonly heap: Slope;
    readonly rss: Slope;
    readonly descriptors: Slope;
    readonly latency?: {
      readonly proxied: readonly [number, number];
      readonly direct: readonly [number, number];
      readonly drift: number;
    };
    readonly faults: readonly string[];
  };
}

export function soakText(soak: Soak): string {
  const { minutes, rate, changes, cpuSeconds, clients, verdict } = soak;
  const rows = Object.entries(clients).map(([kind, { done, failed }]) => [
    kind,
    done.toLocaleString('en'),
    String(failed),
  ]);
  const { objects, code, latency } = verdict;
  const slopes = [
    ...(objects === undefined ? [] : [`objects ${within(objects)} MB/h`]),
    ...(code === undefined ? [] : [`compiled code ${within(code)} MB/h in the second half`]),
    `heap ${within(verdict.heap)} MB/h`,
    `resident memory ${within(verdict.rss)} MB/h`,
    `descriptors ${within(verdict.descriptors)}/h`,
  ];
  return [
    `Soak: ${Math.round(minutes)} minutes, ${rate} requests/s, ${changes} changes of weights, ${(cpuSeconds / minutes / 0.6).toFixed(0)} % of a core`,
    ...loadText(soak),
    `Slopes after full collections, with the bounds of 95 % confidence: ${slopes.join(', ')}. ${verdict.faults.length === 0 ? 'Flat, and no request failed.' : verdict.faults.join('; ')}`,
    ...(latency === undefined ? [] : [latencyText(latency)]),
    '![memory and descriptors over time](soak.svg)',
    table(['clients', 'done', 'failed'], rows),
  ].join('\n\n');
}

function loadText({ capacity, notSent, cpuSecondsBeside, minutes }: Soak): string[] {
  const parts = [
    ...(capacity === undefined || capacity === null
      ? []
      : [
          `carried before it: ${capacity.rate} requests/s${capacity.limit === null ? '' : ` (beyond: ${capacity.limit})`}`,
        ]),
    ...(notSent === undefined ? [] : [`not sent because too many were under way: ${notSent.toLocaleString('en')}`]),
    ...(cpuSecondsBeside === undefined
      ? []
      : [
          `beside tcpvs, the clients took ${(cpuSecondsBeside.clients / minutes / 0.6).toFixed(0)} % of a core, the servers ${(cpuSecondsBeside.servers / minutes / 0.6).toFixed(0)} %`,
        ]),
  ];
  return parts.length === 0 ? [] : [`Load: ${parts.join('; ')}.`];
}

function latencyText({ proxied, direct, drift }: NonNullable<Soak['verdict']['latency']>): string {
  return `p99 of a plain request, first and last quarter: ${quarters(proxied)}; the same straight to a server: ${quarters(direct)}; drift ${(100 * drift).toFixed(0)} %.`;
}

const quarters = ([first, last]: readonly [number, number]) => `${first.toFixed(1)} → ${last.toFixed(1)} ms`;

const within = ({ slope, low, high }: Slope) => `${slope.toFixed(2)} (${low.toFixed(1)} … ${high.toFixed(1)})`;

export interface Faults {
  readonly date: string;
  readonly figures: readonly ({ readonly fault: number; readonly what: string; readonly mode: string } & Readonly<
    Record<string, unknown>
  >)[];
}

/** One row per fault test, its figures as they were printed. */
export function faultsText({ date, figures }: Faults): string {
  const rows = figures.map(({ fault, what, mode, ...rest }) => [String(fault), what, mode, figuresOf(rest)]);
  return `Faults (\`make faults\`, ${date.slice(0, 10)})\n\n${table(['row', 'fault', 'counts', 'figures'], rows)}`;
}

function figuresOf(value: unknown): string {
  if (typeof value !== 'object' || value === null)
    return typeof value === 'number' ? value.toLocaleString('en') : String(value);
  return Object.entries(value)
    .map(([name, inner]) =>
      typeof inner === 'object' && inner !== null ? `${name} (${figuresOf(inner)})` : `${name} ${figuresOf(inner)}`,
    )
    .join(', ');
}

export interface Audit {
  readonly examiner: string;
  readonly version: string;
  readonly findings: readonly string[];
  readonly figures: Readonly<Record<string, number | string>>;
}

/** What other people's examiners found. */
export function auditText(audits: readonly Audit[]): string {
  const rows = audits.map(({ examiner, version, findings, figures }) => [
    `${examiner} ${version}`,
    findings.length === 0 ? 'none' : findings.join('; '),
    figuresOf(figures),
  ]);
  return `Examiners (\`make audit\`)\n\n${table(['examiner', 'findings', 'figures'], rows)}`;
}
