/** Profiles of apps for a person. Pure. */
import type {
  AppProfile,
  CellProfile,
  Concurrency,
  Figure,
  Figures,
  MatrixProfile,
  WorkloadProfile,
} from '../model/profiles.ts';
import { type Style, printable } from './output.ts';

export interface ProfilePage {
  readonly style: Style;
  /** Each server of an app by itself, too. */
  readonly cells: boolean;
}

const HEADS = ['app', 'demand/s', 'seconds', 'in flight', 'limit', 'cost', 'failed', 'learned from'];

/** `87.1 ±2.4`, `120 given`; what is not known is a dash. */
export function profilesText(matrices: readonly MatrixProfile[], { style, cells }: ProfilePage): string {
  if (matrices.length === 0) return 'There is no matrix.\n';
  return matrices
    .map(({ matrix, apps, workloads = [] }) => {
      const lines = apps.flatMap((app) => [appLine(app), ...(cells ? app.cells.map(cellLine) : [])]);
      const widths = HEADS.map((head, at) => Math.max(head.length, ...lines.map((line) => line[at]!.length)));
      const text = (line: readonly string[]) =>
        line
          .map((word, at) => word.padEnd(widths[at]!))
          .join('  ')
          .trimEnd();
      const notes = workloads.flatMap(notesOn);
      return [style.bold(printable(matrix)), style.dim(text(HEADS)), ...lines.map(text), ...notes].join('\n');
    })
    .join('\n\n')
    .concat('\n');
}

function appLine({ app, demand, seconds, concurrency, cost, failures }: AppProfile): string[] {
  const requests = demand.source === 'learned' ? `${short(demand.count)} requests, ${ageOf(demand)}` : '';
  return [
    printable(app),
    figure(demand.source === 'default' ? null : demand),
    figure(seconds),
    concurrency === null ? '–' : short(concurrency.inflight),
    limitOf(concurrency),
    Object.entries(cost)
      .map(([resource, each]) => `${resource} ${figure(each)}`)
      .join(', ') || '–',
    failures === 0 ? '–' : `${short(failures * 100)} %`,
    requests,
  ];
}

/** What is more than nothing of what instances use beside their requests. */
function notesOn({ workload, idle, growth, conflicts }: WorkloadProfile): string[] {
  const name = printable(workload);
  return [
    ...positive(idle, (resource, value) => `${name}: ${value} ${resource}/s where nothing is asked for`),
    ...positive(
      growth,
      (resource, value) => `${name}: each request more in flight at its server adds ${value} of the ${resource}`,
    ),
    ...conflicts
      .filter(({ factor }) => factor.value > 0)
      .map(
        ({ with: neighbour, resource, factor }) =>
          `${name}: beside ${printable(neighbour)} at its busiest, ${figure(factor)} of the ${resource} more`,
      ),
  ];
}

function positive(figures: Figures, say: (resource: string, value: string) => string): string[] {
  return Object.entries(figures).flatMap(([resource, of]) => (of.value > 0 ? [say(resource, figure(of))] : []));
}

function cellLine({ server, seconds, concurrency }: CellProfile): string[] {
  const name = server.slice(server.indexOf('/') + 1);
  return [
    `  at ${printable(name)}`,
    '',
    figure(seconds),
    concurrency === null ? '–' : short(concurrency.inflight),
    limitOf(concurrency),
    '',
    '',
    seconds?.source === 'learned' ? `${short(seconds.count)} answers, ${ageOf(seconds)}` : '',
  ];
}

/** A limit without a peak is as far as is known: `≥ 14`. */
function limitOf(concurrency: Concurrency | null): string {
  if (concurrency === null) return '–';
  return concurrency.peaked ? figure(concurrency.limit) : `≥ ${figure(concurrency.limit)}`;
}

function figure(of: Figure | null): string {
  if (of === null) return '–';
  const source = of.source === 'learned' ? '' : ` ${of.source}`;
  return `${short(of.value)}${of.error > 0 ? ` ±${short(of.error)}` : ''}${source}`;
}

function ageOf({ age }: Figure): string {
  if (age === null) return 'never';
  if (age < 60) return 'now';
  return age < 3600 ? `${Math.round(age / 60)} min ago` : `${Math.round(age / 3600)} h ago`;
}

/** Three digits that count. */
function short(value: number): string {
  if (value === 0) return '0';
  if (value >= 1000) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}
