/**
 * The matrices below a listing, as comments: rows are the rules' patterns, columns the servers. First the weights, then
 * the connections (as ktcpvs-matrix printed them); then the shares asked for and delivered, in percent; then caps, if there are any.
 */
import { printIdent, printServer } from './host-port.ts';
import type { Naming } from './host-port.ts';
import { refKey } from './table.ts';
import type { Live, ServerRef, Virtual } from './table.ts';

interface Row {
  readonly label: string;
  readonly cells: ReadonlyMap<string, { readonly weight: number | null; readonly live: Live | undefined }>;
}

export interface MatrixOptions extends Naming {
  /** Columns of text that a line may have; wider matrices are cut into groups of servers. */
  readonly width: number;
}

/** Empty where the virtual server has nothing to dispatch by. Ends with a new line otherwise. */
export function printMatrices(virtual: Virtual, options: MatrixOptions): string {
  const rows = rowsOf(virtual);
  const refs = columnsOf(virtual, rows);
  if (rows.length === 0 || refs.length === 0) return '';
  const lives = rows.flatMap((row) =>
    [...row.cells.values()].flatMap(({ live }) => (live === undefined ? [] : [live])),
  );
  const of = `of virtual server ${printIdent(virtual.ident)}`;
  const parts = [matrix(`weights ${of}`, rows, refs, ({ weight }) => String(weight ?? ''), options)];
  if (lives.length > 0) {
    parts.push(matrix(`connections ${of}`, rows, refs, ({ live }) => String(live?.requests ?? ''), options));
    parts.push(matrix(`shares ${of}: asked > delivered, %`, rows, refs, ({ live }) => shares(live), options));
  }
  if (lives.some(({ cap }) => cap !== undefined)) {
    parts.push(matrix(`caps ${of}: requests in flight / most`, rows, refs, ({ live }) => capped(live), options));
  }
  if (lives.some(({ rate }) => rate !== undefined)) {
    parts.push(matrix(`requests per second ${of}`, rows, refs, ({ live }) => String(live?.rate ?? ''), options));
  }
  return parts.join('#\n');
}

function shares(live: Live | undefined): string {
  if (live === undefined) return '';
  const asked = percent(live.asked);
  const available = percent(live.askedAvailable);
  // While a server is out, the others are asked for more than their weights say.
  const now = available === asked ? asked : `${asked} (${available})`;
  return `${now} > ${live.delivered === null ? '-' : percent(live.delivered)}${live.available ? '' : ' out'}`;
}

function capped({ cap, inFlight = 0 }: Partial<Live> = {}): string {
  return cap === undefined ? '' : `${inFlight} / ${cap}`;
}

function percent(share: number): string {
  return (share * 100).toFixed(1);
}

function rowsOf(virtual: Virtual): Row[] {
  const rows = virtual.rules.map((rule): Row => ({
    label: (rule.kind === 'Pattern' ? rule.pattern : (rule.label ?? rule.name)).replaceAll(/\p{Cc}/gu, '?'),
    cells: new Map((rule.destinations ?? []).map(({ ref, weight, live }) => [refKey(ref), { weight, live }])),
  }));
  // What no rule takes: of interest where that is all there is, or where it happens.
  const own = virtual.servers.filter(({ byRulesOnly }) => byRulesOnly !== true);
  if (own.length > 0 && (rows.length === 0 || own.some(({ live }) => (live?.requests ?? 0) > 0))) {
    rows.push({
      label: '(no rule)',
      cells: new Map(own.map(({ ref, weight, live }) => [refKey(ref), { weight, live }])),
    });
  }
  return rows;
}

/** The servers that a row has a cell for, in the order of the virtual server's. */
function columnsOf(virtual: Virtual, rows: readonly Row[]): ServerRef[] {
  const all = [
    ...virtual.servers.map(({ ref }) => ref),
    ...virtual.rules.flatMap((rule) => (rule.destinations ?? []).map(({ ref }) => ref)),
  ];
  const named = new Set(rows.flatMap((row) => [...row.cells.keys()]));
  return [...new Map(all.map((ref) => [refKey(ref), ref])).values()].filter((ref) => named.has(refKey(ref)));
}

type Cell = { readonly weight: number | null; readonly live: Live | undefined };

function matrix(
  title: string,
  rows: readonly Row[],
  refs: readonly ServerRef[],
  show: (cell: Cell) => string,
  options: MatrixOptions,
): string {
  const first = rows.map((row) => row.label);
  const columns = refs.map((ref) => {
    const texts = rows.map((row) => {
      const cell = row.cells.get(refKey(ref));
      return cell === undefined ? '' : show(cell);
    });
    const head = printServer(ref, options);
    return { head, texts, width: Math.max(head.length, ...texts.map((text) => text.length)) };
  });
  const label = Math.min(Math.max(...first.map((text) => text.length)), 40);
  const lines = [title];
  for (const group of groups(columns, options.width - label - 4)) {
    lines.push(
      line(
        '',
        label,
        group.map(({ head, width }) => head.padStart(width)),
      ),
    );
    for (const [index, text] of first.entries()) {
      const shown = text.length > label ? `${text.slice(0, label - 1)}…` : text;
      lines.push(
        line(
          shown,
          label,
          group.map(({ texts, width }) => (texts[index] ?? '').padStart(width)),
        ),
      );
    }
  }
  return lines.map((text) => `# ${text}`.trimEnd()).join('\n') + '\n';
}

function line(first: string, label: number, cells: readonly string[]): string {
  return [first.padEnd(label), ...cells].join('  ');
}

function groups<T extends { readonly width: number }>(columns: readonly T[], room: number): T[][] {
  const all: T[][] = [];
  let used = Infinity;
  for (const column of columns) {
    if (used + column.width + 2 > room) {
      all.push([]);
      used = 0;
    }
    all.at(-1)?.push(column);
    used += column.width + 2;
  }
  return all;
}
