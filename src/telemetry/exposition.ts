/**
 * Writes metric families in the Prometheus text format, version 0.0.4. Pure: families in, text out.
 * (Own, because what we show is computed at the scrape from shared memory; a registry of counters would be a copy.)
 */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly suffix?: '_bucket' | '_sum' | '_count';
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** A family without samples is left out: a `# TYPE` alone says nothing. */
export function renderFamilies(families: Iterable<Family>): string {
  const lines: string[] = [];
  for (const family of families) {
    if (family.samples.length === 0) continue;
    lines.push(`# HELP ${family.name} ${escapeHelp(family.help)}`, `# TYPE ${family.name} ${family.type}`);
    for (const sample of family.samples) {
      lines.push(`${family.name}${sample.suffix ?? ''}${labels(sample.labels)} ${number(sample.value)}`);
    }
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

export function counter(name: string, help: string, samples: readonly Sample[] | number): Family {
  return { name, help, type: 'counter', samples: asSamples(samples) };
}

export function gauge(name: string, help: string, samples: readonly Sample[] | number): Family {
  return { name, help, type: 'gauge', samples: asSamples(samples) };
}

/** `bounds[i]` is the upper bound of `cumulative[i]`; `count` and `sum` are over everything. */
export function histogramSamples(
  labelSet: Readonly<Record<string, string>>,
  bounds: readonly number[],
  cumulative: readonly number[],
  count: number,
  sum: number,
): Sample[] {
  const samples: Sample[] = bounds.map((bound, i) => ({
    suffix: '_bucket',
    labels: { ...labelSet, le: number(bound) },
    value: cumulative[i] ?? 0,
  }));
  samples.push(
    { suffix: '_bucket', labels: { ...labelSet, le: '+Inf' }, value: count },
    { suffix: '_sum', labels: labelSet, value: sum },
    { suffix: '_count', labels: labelSet, value: count },
  );
  return samples;
}

function asSamples(samples: readonly Sample[] | number): readonly Sample[] {
  return typeof samples === 'number' ? [{ labels: {}, value: samples }] : samples;
}

function labels(set: Readonly<Record<string, string>>): string {
  const parts = Object.entries(set).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function escapeHelp(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function number(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return Number.isNaN(value) ? 'NaN' : String(value);
}

/** A sample for each entry, which stands in the label. */
export function byKey(label: string, record: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(record).map(([key, value]) => ({ labels: { [label]: key }, value }));
}
