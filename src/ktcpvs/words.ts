/** The words of a file one after the other, and the faults found in them. */
import type { Read } from './host-port.ts';
import { LIMITS } from './table.ts';
import type { Position } from './table.ts';
import type { Fault, Token } from './tokens.ts';

/** Thrown where reading on means nothing; the fault is in `faults`. */
export class Stopped extends Error {}

export class Words {
  readonly faults: Fault[] = [];
  readonly #tokens: readonly Token[];
  readonly #end: Position;
  #at = 0;

  constructor(tokens: readonly Token[], end: Position) {
    this.#tokens = tokens;
    this.#end = end;
  }

  atEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  next(expected: string): Token {
    const token = this.#tokens[this.#at];
    if (token === undefined) return this.stop(this.#end, 'the end of the file', expected);
    this.#at += 1;
    return token;
  }

  /** One of the keywords, in any case; answers it as it stands in the list. */
  keyword(keywords: readonly string[], expected: string): string {
    const token = this.next(expected);
    const found = token.quoted ? undefined : findWord(keywords, token.text);
    return found ?? this.stop(token, show(token), expected);
  }

  /** Takes the next word if it is the keyword. */
  take(keyword: string): Token | null {
    const token = this.peek();
    if (token === undefined || token.quoted || token.text.toLowerCase() !== keyword) return null;
    this.#at += 1;
    return token;
  }

  /** A fault that does not hinder reading on. */
  report(at: Position, read: string, expected: string): void {
    if (this.faults.length < LIMITS.faults) this.faults.push({ line: at.line, column: at.column, read, expected });
  }

  stop(at: Position, read: string, expected: string): never {
    // The one that stops must be told even where there are many already.
    this.faults.push({ line: at.line, column: at.column, read, expected });
    throw new Stopped();
  }

  judge<T>(token: Token, read: Read<T>): T {
    return read.ok ? read.value : this.stop(token, show(token), read.expected);
  }
}

export function show(token: Token): string {
  return JSON.stringify(token.text);
}

function findWord(words: readonly string[], text: string): string | undefined {
  return words.find((word) => word.toLowerCase() === text.toLowerCase());
}
