/** The part of the page about faults of one proxy, and about what other people's examiners found. Pure. */

export interface FaultFigures {
  /** Row of the fault table. */
  readonly fault: number;
  readonly what: string;
  readonly mode: string;
  readonly [figure: string]: unknown;
}

export interface FaultsDocument {
  readonly date: string;
  readonly figures: readonly FaultFigures[];
}

export interface AuditDocument {
  readonly circumstances: { readonly date: string };
  readonly result: readonly {
    readonly examiner: string;
    readonly version: string;
    readonly findings: readonly string[];
    readonly figures: Readonly<Record<string, number>>;
  }[];
}

export interface SoakDocument {
  readonly circumstances: { readonly date: string };
  readonly result: {
    readonly minutes: number;
    readonly rate: number;
    /** Not there, as the next, where a run was kept before they were told; null: the rate was given. */
    readonly capacity?: { readonly rate: number } | null;
    readonly notSent?: number;
    readonly changes: number;
    readonly clients: Readonly<Record<string, { readonly done: number; readonly failed: number }>>;
    readonly verdict: { readonly faults: readonly string[] };
  };
}

/** A row of figures for each test that printed some, in the order of the rows; null: nothing was measured yet. */
export function faultsSection(
  faults: FaultsDocument | null,
  soak: SoakDocument | null,
  audit: AuditDocument | null,
): string[] {
  return [...(faults === null ? [] : rowsOf(faults, soak)), ...(audit === null ? [] : examinersOf(audit))];
}

function rowsOf({ figures, date }: FaultsDocument, soak: SoakDocument | null): string[] {
  return [
    '## Faults of one proxy, row by row',
    '',
    'Generated from what `make faults` kept (`make faults ARGS=7` for one row; `test/faults` has a file for each). Full counts',
    `unless a row says that it had reduced ones; the last were measured on ${date.slice(0, 10)}. Rows 8 to 15, 25 and 26 are about a`,
    'cluster: the tables above, and `test/cluster`, `test/chart` and `test/platform`.',
    '',
    '| row | fault | figures |',
    '| ---: | --- | --- |',
    ...figures
      .toSorted((a, b) => a.fault - b.fault)
      .map(({ fault, what, mode, ...rest }) => {
        const reduced = mode === 'full' ? '' : ' (reduced)';
        return `| ${fault} | ${what}${reduced} | ${told(rest)} |`;
      }),
    ...(soak === null ? [] : [soakRow(soak)]),
    '',
  ];
}

function soakRow({ result: { minutes, rate, capacity, notSent, changes, clients, verdict } }: SoakDocument): string {
  const counts = Object.values(clients);
  const done = counts.reduce((sum, each) => sum + each.done, 0);
  const failed = counts.reduce((sum, each) => sum + each.failed, 0);
  const found = verdict.faults.length === 0 ? 'flat' : verdict.faults.join('; ');
  const carried = capacity === undefined || capacity === null ? '' : ` of ${told(capacity.rate)} that were carried`;
  const left = notSent === undefined ? '' : ` not sent ${told(notSent)};`;
  return `| 31 | soak (\`make soak\`) | minutes ${Math.round(minutes)}; rate ${rate}${carried}; requests ${told(done)}; failed ${failed};${left} changes of weights ${changes}; ${found} |`;
}

function examinersOf({ result, circumstances }: AuditDocument): string[] {
  return [
    '## Other people’s examiners',
    '',
    `\`make audit\`, ${circumstances.date.slice(0, 10)}.`,
    '',
    '| examiner | found | figures |',
    '| --- | --- | --- |',
    ...result.map(({ examiner, version, findings, figures }) => {
      const found = findings.length === 0 ? 'nothing' : findings.join('; ');
      return `| ${inCell(examiner)} ${version} | ${found} | ${told(figures)} |`;
    }),
    '',
  ];
}

/** `{ gets: 1000, getStatuses: { 200: 1000 } }` → `gets 1,000; get statuses 200: 1,000`. */
export function told(value: unknown, isInner = false): string {
  if (typeof value === 'number') return value.toLocaleString('en', { maximumFractionDigits: 2 });
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.map((each) => told(each, true)).join(', ');
  if (typeof value !== 'object' || value === null) return inCell(String(value));
  const parts = Object.entries(value).map(([name, each]) => {
    const text = told(each, true);
    return isInner ? `${words(name)}: ${text}` : `${words(name)} ${text}`;
  });
  return isInner ? `(${parts.join(', ')})` : parts.join('; ');
}

const inCell = (text: string): string => text.replaceAll('|', '\\|');

/** `watchesAnswered410` → `watches answered 410`; what has spaces is words already. */
export const words = (name: string): string =>
  /[ ,]|^p?\d+$/.test(name)
    ? name
    : name.replaceAll(/MiB|[A-Z]|\d+/g, (part) => ` ${part === 'MiB' ? part : part.toLowerCase()}`);
