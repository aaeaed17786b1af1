import type { Parser } from './parser.ts';
import { addAll, addRange, byteSet, type ByteSet, invert } from './syntax.ts';

/** The named classes of the POSIX locale, as pairs of first and last byte. */
const CLASSES: Readonly<Record<string, string>> = {
  alnum: '09AZaz',
  alpha: 'AZaz',
  blank: '\t\t  ',
  cntrl: '\x00\x1f\x7f\x7f',
  digit: '09',
  graph: '!~',
  lower: 'az',
  print: ' ~',
  punct: '!/:@[`{~',
  space: '\t\r  ',
  upper: 'AZ',
  word: '09AZaz__',
  xdigit: '09AFaf',
};

/** The bytes of a class from its pairs: `09AF` is 0–9 and A–F. */
export function ranges(pairs: string): ByteSet {
  const set = byteSet();
  for (let i = 0; i < pairs.length; i += 2) addRange(set, pairs.charCodeAt(i), pairs.charCodeAt(i + 1));
  return set;
}

/**
 * Reads a bracket expression behind its `[`. POSIX: `]` first stands for itself, `\` too; RE2 the same, but with
 * escapes, which `escape` reads: it gives a byte, or a set.
 */
export function readBracket(parser: Parser, escape: ((parser: Parser) => number | ByteSet) | null): ByteSet {
  const open = parser.position - 1;
  const negated = parser.take('^');
  const set = byteSet();
  let first = true;
  while (first || parser.peek() !== ']') {
    if (parser.done) parser.fail(null, `"]" for the "[" at character ${open + 1}`);
    first = false;
    const at = parser.position;
    const low = readMember(parser, escape);
    if (typeof low !== 'number') {
      addAll(set, low);
      continue;
    }
    if (parser.peek() !== '-' || parser.peek(1) === ']' || parser.peek(1) === '') {
      addRange(set, low, low);
      continue;
    }
    parser.position++;
    const high = readMember(parser, escape);
    const read = JSON.stringify(parser.source.slice(at, parser.position));
    if (typeof high !== 'number') return parser.fail(read, 'a character at both ends of a range', at);
    if (high < low) parser.fail(read, 'a range that goes upwards', at);
    if (parser.peek() === '-' && parser.peek(1) !== ']') parser.fail(`${read} and "-"`, 'the end of the range', at);
    addRange(set, low, high);
  }
  parser.position++;
  // The flag i speaks of what is written, so it comes before the inversion.
  if (parser.fold) parser.set(set);
  if (negated) invert(set);
  return set;
}

function readMember(parser: Parser, escape: ((parser: Parser) => number | ByteSet) | null): number | ByteSet {
  const character = parser.peek();
  if (character === '[' && ['.', '='].includes(parser.peek(1))) {
    parser.fail(JSON.stringify(`[${parser.peek(1)}`), 'no collating symbols or equivalence classes: bytes are matched');
  }
  if (character === '[' && parser.peek(1) === ':') return readClass(parser, escape !== null);
  if (character === '\\' && escape !== null) {
    parser.position++;
    if (parser.done) parser.fail(null, 'a character behind "\\"');
    return escape(parser);
  }
  const code = parser.source.charCodeAt(parser.position);
  if (code >= 0x80) parser.fail(null, 'an ASCII character in a bracket expression: bytes are matched');
  parser.position++;
  return code;
}

function readClass(parser: Parser, inversion: boolean): ByteSet {
  const end = parser.source.indexOf(':]', parser.position + 2);
  let name = parser.source.slice(parser.position + 2, end < 0 ? undefined : end);
  const negated = inversion && name.startsWith('^');
  if (negated) name = name.slice(1);
  const pairs = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
  if (end < 0 || pairs === undefined) {
    return parser.fail(JSON.stringify(`[:${name.slice(0, 12)}`), `one of [:${Object.keys(CLASSES).join(':], [:')}:]`);
  }
  parser.position = end + 2;
  const set = ranges(pairs);
  if (negated) invert(set);
  return set;
}
