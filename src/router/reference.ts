import type { RequestHead } from '../http/request-head.ts';
import type { PathMatch, Rule, ValueMatch } from '../model/snapshot.ts';
import { compilePattern } from '../pattern/pattern.ts';

/**
 * The meaning of a rule table, written down as plainly as possible: every rule in turn, on strings. Slow; for tests,
 * which hold the compiled table to it.
 */
export function matchByReading(rules: readonly Rule[], head: RequestHead): number {
  return rules.findIndex((rule) => ruleHolds(rule, head));
}

function ruleHolds({ match }: Rule, head: RequestHead): boolean {
  const text = (start: number, end: number): string => String.fromCharCode(...head.bytes.subarray(start, end));
  const host = text(head.hostStart, head.hostEnd).toLowerCase();
  const method = text(head.start, head.methodEnd);
  const path = String.fromCharCode(...head.pathBytes.subarray(head.pathStart, head.pathEnd));
  const fields = Array.from({ length: head.fieldCount }, (_, at): [string, string] => [
    text(head.fields[at * 4]!, head.fields[at * 4 + 1]!).toLowerCase(),
    text(head.fields[at * 4 + 2]!, head.fields[at * 4 + 3]!),
  ]);
  const parameters = text(head.queryStart, head.queryEnd)
    .split('&')
    .map((pair): [string, string] => {
      const equals = pair.indexOf('=');
      return equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    });
  return (
    (match.hosts.length === 0 || match.hosts.some((each) => hostHolds(each, host))) &&
    (match.path === null || pathHolds(match.path, path)) &&
    (match.methods.length === 0 || match.methods.includes(method)) &&
    match.headers.every((each) => fields.some(([name, value]) => name === each.name && valueHolds(each, value))) &&
    match.query.every((each) => parameters.some(([name, value]) => name === each.name && valueHolds(each, value)))
  );
}

function hostHolds(wanted: string, host: string): boolean {
  if (wanted === '*' || wanted === host) return true;
  return wanted.startsWith('*.') && host.length >= wanted.length && host.endsWith(wanted.slice(1));
}

function pathHolds({ type, value }: PathMatch, path: string): boolean {
  switch (type) {
    case 'Exact':
      return path === value;
    case 'Prefix': {
      const prefix = value.endsWith('/') ? value.slice(0, -1) : value;
      return path === prefix || path.startsWith(`${prefix}/`);
    }
    case 'Regex':
      return matches(value, 'regex', path);
    case 'Pattern':
      break;
  }
  return matches(value, 'ere', path);
}

function valueHolds({ type, value }: ValueMatch, given: string): boolean {
  switch (type) {
    case 'Present':
      return true;
    case 'Exact':
      return value === given;
    case 'Regex':
      break;
  }
  return matches(value, 'regex', given);
}

function matches(source: string, syntax: 'ere' | 'regex', text: string): boolean {
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  return compilePattern(source, syntax).test(bytes, 0, bytes.length);
}
