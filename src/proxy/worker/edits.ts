/** A rule's filters, compiled: what is changed in heads on their way, as bytes. */
import type { Field, Filter, PathRewrite } from '../../model/snapshot.ts';

export interface Edits {
  readonly redirect: Extract<Filter, { type: 'Redirect' }> | null;
  /** Host that replaces the request's; null keeps it. */
  readonly host: string | null;
  readonly path: PathRewrite | null;
  /** What a Prefix rewrite takes away. */
  readonly prefix: string;
  readonly request: HeadEdits | null;
  readonly response: HeadEdits | null;
}

export interface HeadEdits {
  /** Lower-case names of fields that are taken out (those that are set are, too). */
  readonly remove: readonly string[];
  /** Complete lines that are put in. */
  readonly lines: Uint8Array;
}

/** null where the filters change nothing in a head. */
export function compileEdits(filters: readonly Filter[], prefix: string): Edits | null {
  if (filters.every((filter) => filter.type === 'Mirror')) return null;
  let redirect: Edits['redirect'] = null;
  let host: string | null = null;
  let path: PathRewrite | null = null;
  for (const filter of filters) {
    if (filter.type === 'Redirect') redirect ??= filter;
    if (filter.type !== 'Rewrite') continue;
    host = filter.host ?? host;
    path = filter.path ?? path;
  }
  return {
    redirect,
    host,
    path,
    prefix,
    request: headEdits(filters, 'RequestHeaders'),
    response: headEdits(filters, 'ResponseHeaders'),
  };
}

function headEdits(filters: readonly Filter[], type: 'RequestHeaders' | 'ResponseHeaders'): HeadEdits | null {
  const remove = new Set<string>();
  let lines = '';
  let any = false;
  for (const filter of filters) {
    if (filter.type !== type) continue;
    any = true;
    for (const name of filter.remove) remove.add(name.toLowerCase());
    for (const field of filter.set) remove.add(field.name.toLowerCase());
    lines += filter.set.map(line).join('') + filter.add.map(line).join('');
  }
  return any ? { remove: [...remove], lines: Buffer.from(lines, 'latin1') } : null;
}

function line(field: Field): string {
  return `${field.name}: ${field.value}\r\n`;
}

/** The path (with its query) after a rewrite. `path` begins with a slash; the result does too. */
export function rewritePath(rewrite: PathRewrite, prefix: string, path: string): string {
  if (rewrite.type === 'Full') return rewrite.value;
  const cut = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  const rest = path.startsWith(cut) ? path.slice(cut.length) : path;
  const joined =
    rewrite.value.endsWith('/') && rest.startsWith('/') ? rewrite.value + rest.slice(1) : rewrite.value + rest;
  return joined.startsWith('/') ? joined : `/${joined}`;
}
