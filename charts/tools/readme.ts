/** The table of values in the chart's README, between two marks; the rest of the page is written by hand. */
import type { DocumentedValue } from './values.ts';

const BEGIN = '<!-- values: written by `make generate` -->';
const END = '<!-- end of values -->';

/** The page with a fresh table. Errors: the marks are not there. */
export function withTable(page: string, documented: readonly DocumentedValue[]): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the chart's README lacks the lines ${BEGIN} and ${END}`);
  return [page.slice(0, begin) + BEGIN, '', table(documented), '', page.slice(end)].join('\n');
}

function table(documented: readonly DocumentedValue[]): string {
  const rows = documented.map(
    ({ path, comment, byDefault }) => `| \`${path.join('.')}\` | ${cell(comment)} | \`${shown(byDefault)}\` |`,
  );
  return ['| value | what it is | default |', '| --- | --- | --- |', ...rows].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

const shown = (value: unknown): string => (value === '' ? "''" : JSON.stringify(value).replaceAll('|', '\\|'));
