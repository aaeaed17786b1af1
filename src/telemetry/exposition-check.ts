/**
 * A strict reader of the Prometheus text format 0.0.4, for tests: throws on whatever the format or the naming rules
 * do not allow, and gives the samples back.
 */
export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

// s: only a line feed ends a line here, and `.` stops at others too
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,(?=[a-zA-Z_])|$)/;
const SUFFIXES = /_(bucket|sum|count)$/;

export function parseExposition(text: string): ParsedSample[] {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no line feed');
  const samples: ParsedSample[] = [];
  const done = new Set<string>();
  const seen = new Set<string>();
  let family: { name: string; type: string | null } | null = null;
  for (const line of text.split('\n').slice(0, -1)) {
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/s.exec(line);
    if (comment !== null) {
      const [, keyword, name = '', rest = ''] = comment;
      if (keyword === 'HELP') {
        if (done.has(name)) throw new Error(`family ${name} stands twice`);
        done.add(name);
        family = { name, type: null };
      } else {
        if (family?.name !== name || family.type !== null) throw new Error(`TYPE of ${name} is out of place`);
        if (!['counter', 'gauge', 'histogram'].includes(rest)) throw new Error(`unknown type ${rest}`);
        if (rest === 'counter' && !name.endsWith('_total')) throw new Error(`counter ${name} does not end in _total`);
        if (rest !== 'counter' && name.endsWith('_total')) throw new Error(`${rest} ${name} ends in _total`);
        family.type = rest;
      }
      continue;
    }
    const sample = parseSample(line);
    if (family === null || family.type === null) throw new Error(`no TYPE before ${line}`);
    const base = family.type === 'histogram' ? sample.name.replace(SUFFIXES, '') : sample.name;
    if (base !== family.name) throw new Error(`${sample.name} stands in family ${family.name}`);
    const identity = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))}`;
    if (seen.has(identity)) throw new Error(`series twice: ${line}`);
    seen.add(identity);
    if (family.type !== 'gauge' && !(sample.value >= 0)) throw new Error(`negative or no number: ${line}`);
    samples.push(sample);
  }
  checkHistograms(samples);
  return samples;
}

function parseSample(line: string): ParsedSample {
  const match = SAMPLE.exec(line);
  if (match === null) throw new Error(`not a sample: ${line}`);
  const [, name = '', labelText = '', valueText = ''] = match;
  const labels: Record<string, string> = {};
  let rest = labelText;
  while (rest !== '') {
    const label = LABEL.exec(rest);
    if (label === null) throw new Error(`bad labels: ${line}`);
    const [whole, key = '', value = ''] = label;
    if (key in labels) throw new Error(`label ${key} twice: ${line}`);
    labels[key] = value.replaceAll(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
    rest = rest.slice(whole.length);
  }
  return { name, labels, value: parseValue(valueText) };
}

function parseValue(text: string): number {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  if (text === 'NaN') return NaN;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw new Error(`not a number: ${text}`);
  return Number(text);
}

/** Buckets are cumulative, end in +Inf, and +Inf equals the count. */
function checkHistograms(samples: readonly ParsedSample[]): void {
  const last = new Map<string, { le: number; value: number }>();
  for (const { name, labels, value } of samples) {
    const { le, ...rest } = labels;
    const identity = `${name.replace(SUFFIXES, '')} ${JSON.stringify(rest)}`;
    if (name.endsWith('_bucket')) {
      if (le === undefined) throw new Error(`${name} without le`);
      const before = last.get(identity);
      if (before !== undefined && (before.le >= parseValue(le) || before.value > value)) {
        throw new Error(`buckets of ${identity} are not ascending`);
      }
      last.set(identity, { le: parseValue(le), value });
    } else if (name.endsWith('_count') && last.has(identity)) {
      const bucket = last.get(identity);
      if (bucket?.le !== Infinity || bucket.value !== value) throw new Error(`+Inf of ${identity} is not its count`);
    }
  }
}
