/** values.yaml with its comments: the one place where a value is documented. */
import { load } from 'js-yaml';

export interface DocumentedValue {
  /** `['proxy', 'service', 'ports']` */
  readonly path: readonly string[];
  /** The comment above the key, one line. */
  readonly comment: string;
  readonly byDefault: unknown;
}

/**
 * The documented values in the order of the file. A key without a comment is a section, and its keys are documented one by
 * one; below a key that has one, nothing is documented by itself.
 * Errors: a key that is neither documented nor a section, named by its path.
 */
export function documentedValues(text: string): readonly DocumentedValue[] {
  const found: DocumentedValue[] = [];
  const values = load(text);
  const path: string[] = [];
  let comment: string[] = [];
  let documented = Infinity;
  for (const line of text.split('\n')) {
    const [, indent = '', rest = ''] = /^( *)(.*)$/.exec(line) ?? [];
    const depth = indent.length / 2;
    if (rest === '') comment = [];
    if (rest.startsWith('#')) comment.push(rest.replace(/^# ?/, ''));
    const key = /^([A-Za-z]+):/.exec(rest)?.[1];
    if (key === undefined || depth > documented) continue;
    documented = Infinity;
    path.splice(depth, Infinity, key);
    const byDefault = at(values, path);
    if (comment.length > 0) {
      found.push({ path: [...path], comment: comment.join(' '), byDefault });
      documented = depth;
    } else if (!isSection(byDefault)) {
      throw new Error(`values.yaml: ${path.join('.')} has no comment above it`);
    }
    comment = [];
  }
  return found;
}

function isSection(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
}

function at(values: unknown, path: readonly string[]): unknown {
  let value = values;
  for (const key of path) value = (value as Record<string, unknown>)[key];
  return value;
}
