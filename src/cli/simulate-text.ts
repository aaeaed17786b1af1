/** A simulation for a person: what every column gets, how full every host is, before and after. Pure. */
import { percent, rate, table } from './optimize-text.ts';
import { printable, type Style } from './output.ts';

export interface Simulation {
  /** Of the requests that came, those that no instance had room for, and that had not waited long enough for it. */
  readonly refused: number;
  readonly columns: readonly {
    readonly column: string;
    /** Requests/s: as the problem has it, and answered in time. */
    readonly asked: number;
    readonly answered: number;
    /** Of the requests that came; null: none did. */
    readonly part: number | null;
    /** Seconds; null: nothing was answered. */
    readonly p50: number | null;
    readonly p99: number | null;
  }[];
  readonly hosts: readonly {
    readonly host: string;
    readonly inFlight: number;
    /** Per resource, as a part of what there is. */
    readonly used: Readonly<Record<string, number>>;
  }[];
}

export interface Simulated {
  readonly seconds: number;
  readonly timeout: number;
  readonly before: Simulation;
  /** null: no change was asked about. */
  readonly after: Simulation | null;
  /** Nothing runs yet: it is what would be started. */
  readonly planned: boolean;
}

export function simulationText(
  { seconds, timeout, before, after, planned }: Simulated,
  { style }: { readonly style: Style },
): string {
  const then = new Map((after ?? before).columns.map((each) => [each.column, each]));
  const columns = before.columns.map((now) => {
    const next = then.get(now.column)!;
    return [
      printable(now.column),
      arrow(rate(now.asked), rate(next.asked)),
      arrow(part(now.part), part(next.part)),
      arrow(milliseconds(now.p50), milliseconds(next.p50)),
      arrow(milliseconds(now.p99), milliseconds(next.p99)),
    ];
  });
  const resources = Object.keys(before.hosts[0]?.used ?? {});
  const left = new Map((after ?? before).hosts.map((each) => [each.host, each]));
  const hosts = before.hosts.map((now) => {
    const next = left.get(now.host);
    const used = (resource: string): string =>
      arrow(`${percent(now.used[resource]!)} %`, next === undefined ? 'lost' : `${percent(next.used[resource]!)} %`);
    return [
      printable(now.host),
      ...resources.map(used),
      arrow(now.inFlight.toFixed(1), next === undefined ? 'lost' : next.inFlight.toFixed(1)),
    ];
  });
  return `${[
    ...summary(before, after, style),
    style.dim(
      `${seconds} s of simulated requests; clients wait ${timeout} s${planned ? '; nothing runs yet: this is what tcpvs optimize would start' : ''}`,
    ),
    '',
    ...table([['column', 'requests/s', 'answered', 'median ms', 'p99 ms'], ...columns], style),
    '',
    ...table([['host', ...resources.map(printable), 'in flight'], ...hosts], style),
  ].join('\n')}\n`;
}

function summary(before: Simulation, after: Simulation | null, style: Style): string[] {
  const of = ({ columns, refused }: Simulation): string => {
    const asked = columns.reduce((sum, each) => sum + each.asked * (each.part === null ? 0 : 1), 0);
    const answered = columns.reduce((sum, each) => sum + each.asked * (each.part ?? 0), 0);
    const others = refused === 0 ? '' : `, ${percent(refused)} % are refused`;
    return `${percent(asked === 0 ? 1 : answered / asked)} % of the requests are answered in time${others}`;
  };
  return after === null ? [style.bold(of(before))] : [`before: ${of(before)}`, style.bold(`after:  ${of(after)}`)];
}

const arrow = (now: string, next: string): string => (now === next ? now : `${now} → ${next}`);
const part = (value: number | null): string => (value === null ? '–' : `${percent(value)} %`);

function milliseconds(seconds: number | null): string {
  if (seconds === null) return '–';
  return (1000 * seconds).toFixed(seconds < 0.0995 ? 1 : 0);
}
