/**
 * The configuration file, cut into words. White space separates them; `#` outside quotes starts a comment; a word that
 * starts with a quote goes to the closing quote of the same line.
 *
 * Inside quotes a backslash is an ordinary character (patterns are full of them) unless a quote follows its run: then two
 * stand for one and an odd one left over takes the quote in. So `\"` is a quote, as in KTCPVS, and every text can be said.
 */
import { LIMITS } from './table.ts';
import type { Position } from './table.ts';

export interface Token extends Position {
  readonly text: string;
  /** A quoted word is never a keyword, brace or `=`. */
  readonly quoted: boolean;
}

/** What is wrong with a file, and where. */
export interface Fault extends Position {
  /** What stood there, as a person would point at it. */
  readonly read: string;
  readonly expected: string;
}

/** Gives up at the first fault: what follows an open quote means nothing. */
export function tokenize(text: string): { tokens: Token[]; end: Position; fault: Fault | null } {
  const tokens: Token[] = [];
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  let line = 1;
  let lineStart = at;
  const position = (index: number): Position => ({ line, column: index - lineStart + 1 });
  const failed = (index: number, read: string, expected: string) => ({
    tokens,
    end: position(at),
    fault: { ...position(index), read, expected },
  });
  while (at < text.length) {
    const char = text[at] as string;
    if (char === '\n') {
      at += 1;
      line += 1;
      lineStart = at;
    } else if (isSpace(char)) {
      at += 1;
    } else if (char === '#') {
      while (at < text.length && text[at] !== '\n') at += 1;
    } else {
      const word = char === '"' ? quoted(text, at) : bare(text, at);
      if (word.wrong !== null) return failed(word.end, word.wrong.read, word.wrong.expected);
      if (word.text.length > LIMITS.tokenLength) {
        return failed(at, `a word of ${word.text.length} characters`, `at most ${LIMITS.tokenLength}`);
      }
      tokens.push({ ...position(at), text: word.text, quoted: char === '"' });
      at = word.end;
    }
  }
  return { tokens, end: position(at), fault: null };
}

interface Word {
  readonly text: string;
  /** Index after the word; where it is wrong, of what is wrong. */
  readonly end: number;
  readonly wrong: { readonly read: string; readonly expected: string } | null;
}

function bare(text: string, start: number): Word {
  let end = start;
  for (; end < text.length; end += 1) {
    const char = text[end] as string;
    if (isSpace(char) || char === '\n' || char === '#') break;
    if (char === '"') {
      return wrong(end, 'a quote in the middle of a word', 'white space before it, or the whole word in quotes');
    }
    if (isControl(char)) return wrong(end, controlName(char), 'printable text');
  }
  return { text: text.slice(start, end), end, wrong: null };
}

function quoted(text: string, start: number): Word {
  let value = '';
  let at = start + 1;
  for (;;) {
    const char = text[at];
    if (char === undefined || char === '\n') {
      return wrong(start, 'a quote that is not closed', 'a closing quote on the same line');
    }
    if (char === '\\') {
      let run = 0;
      while (text[at] === '\\') {
        run += 1;
        at += 1;
      }
      if (text[at] !== '"') {
        value += '\\'.repeat(run);
      } else {
        value += '\\'.repeat(run >> 1);
        if (run % 2 === 1) {
          value += '"';
          at += 1;
        }
      }
    } else if (char === '"') {
      const after = text[at + 1];
      if (after !== undefined && after !== '\n' && after !== '#' && !isSpace(after)) {
        return wrong(at + 1, JSON.stringify(after), 'white space after a closing quote');
      }
      return { text: value, end: at + 1, wrong: null };
    } else if (char !== '\t' && char !== '\r' && isControl(char)) {
      return wrong(at, controlName(char), 'printable text');
    } else {
      value += char;
      at += 1;
    }
  }
}

function wrong(end: number, read: string, expected: string): Word {
  return { text: '', end, wrong: { read, expected } };
}

function isSpace(char: string): boolean {
  return char === ' ' || char === '\t' || char === '\r' || char === '\f' || char === '\v';
}

export function isControl(char: string): boolean {
  const code = char.charCodeAt(0);
  return code < 0x20 || code === 0x7f;
}

function controlName(char: string): string {
  return `the control character 0x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** The text as a word that `tokenize` reads back as it was; it must have no control character. */
export function quote(text: string): string {
  return `"${text.replaceAll(/(\\*)("|$)/g, (_whole, run: string, end: string) => run + run + (end === '"' ? '\\"' : ''))}"`;
}
