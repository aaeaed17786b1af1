import { ranges, readBracket } from './bracket.ts';
import type { Dialect, Parser } from './parser.ts';
import { type ByteSet, invert, type Node } from './syntax.ts';

const PUNCTUATION = /^[!-/:-@[-`{-~]$/;

/** POSIX extended regular expressions (XBD 9.4); what POSIX leaves undefined is refused, so that nobody is surprised. */
export const ERE: Dialect = {
  emptyAllowed: false,
  lazyAllowed: false,
  braceAllowed: false,
  special: null,
  bracket: (parser) => ({ kind: 'set', set: readBracket(parser, null) }),
  escape(parser) {
    const character = parser.peek();
    if (/[0-9]/.test(character)) refuseReference(parser);
    if (!PUNCTUATION.test(character)) {
      refuse(parser, 'an escaped punctuation mark (POSIX has no other escapes: write [0-9] for digits)');
    }
    return parser.character();
  },
};

/** The part of RE2's syntax that this engine has. */
export const REGEX: Dialect = {
  emptyAllowed: true,
  lazyAllowed: true,
  braceAllowed: true,
  special: readSpecial,
  bracket: (parser) => ({ kind: 'set', set: readBracket(parser, readEscape) }),
  escape(parser) {
    const character = parser.peek();
    if (character === 'A') {
      parser.position++;
      return { kind: 'start' };
    }
    if (character === 'z') {
      parser.position++;
      return { kind: 'end' };
    }
    if (character === 'b' || character === 'B') refuse(parser, 'no word boundaries: this engine has none');
    const found = readEscape(parser);
    return typeof found === 'number' ? parser.byte(found) : { kind: 'set', set: found };
  },
};

const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };
const PERL: Readonly<Record<string, string>> = { d: '09', s: '\t\n\f\r  ', w: '09AZaz__' };

function readEscape(parser: Parser): number | ByteSet {
  const character = parser.peek();
  if (/[0-9]/.test(character)) refuseReference(parser);
  if (character === 'x') return readHex(parser);
  const lower = character.toLowerCase();
  if (Object.hasOwn(PERL, lower)) {
    parser.position++;
    const set = ranges(PERL[lower]!);
    if (lower !== character) invert(set);
    return set;
  }
  if (!Object.hasOwn(CONTROLS, character) && !PUNCTUATION.test(character)) {
    refuse(parser, '\\d \\w \\s \\D \\W \\S \\xHH \\t \\n \\r \\f \\v \\a or an escaped punctuation mark');
  }
  parser.position++;
  return CONTROLS[character] ?? character.charCodeAt(0);
}

function readHex(parser: Parser): number {
  const found = /^x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(
    parser.source.slice(parser.position, parser.position + 10),
  );
  const value = Number.parseInt(found?.[1] ?? found?.[2] ?? '', 16);
  if (found === null || value > 0xff) refuse(parser, 'two hexadecimal digits (a byte)');
  parser.position += found[0].length;
  return value;
}

/** Behind `(?`: flags, groups without a number, named groups. Gives null for flags alone, with their `)` read. */
function readSpecial(parser: Parser): Node | null {
  const at = parser.position - 2;
  for (const look of ['=', '!', '<=', '<!']) {
    if (parser.source.startsWith(look, parser.position)) {
      parser.fail(`"(?${look}"`, 'no look-around: it cannot be matched in linear time', at);
    }
  }
  const name = /^P?<[A-Za-z_][0-9A-Za-z_]{0,63}>/.exec(parser.source.slice(parser.position));
  if (name !== null) {
    parser.position += name[0].length;
    const index = ++parser.groups;
    return { kind: 'group', item: parser.alternatives(), index };
  }
  const flags = /^([isU]*)(?:-([isU]+))?([:)])/.exec(parser.source.slice(parser.position));
  if (flags === null || flags[0] === ')') {
    return parser.fail(
      JSON.stringify(parser.source.slice(at, at + 6)),
      '(?:…), (?P<name>…), or the flags i, s and U',
      at,
    );
  }
  parser.position += flags[0].length;
  const before = parser.fold;
  if (flags[1]!.includes('i')) parser.fold = true;
  if (flags[2]?.includes('i') === true) parser.fold = false;
  if (flags[3] === ')') return null;
  const node = parser.alternatives();
  parser.fold = before;
  return node;
}

function refuse(parser: Parser, expected: string): never {
  return parser.fail(JSON.stringify(`\\${parser.peek()}`), expected, parser.position - 1);
}

function refuseReference(parser: Parser): never {
  return refuse(parser, 'no back-references: they cannot be matched in linear time');
}
