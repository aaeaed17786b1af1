import { type ByteSet, cat, EMPTY, foldCase, type Node, PatternError, single } from './syntax.ts';

/** What differs between POSIX extended regular expressions and RE2's syntax. */
export interface Dialect {
  /** Empty alternatives, groups and patterns: POSIX leaves them undefined, and as a rule they are slips. */
  readonly emptyAllowed: boolean;
  /** A `?` behind a repetition asks for the shortest match; what matches is the same. */
  readonly lazyAllowed: boolean;
  /** A `{` that begins no interval is an ordinary character. */
  readonly braceAllowed: boolean;
  /** Reads behind a `\`. */
  escape(parser: Parser): Node;
  /** Reads behind a `[`, including the `]`. */
  bracket(parser: Parser): Node;
  /** Reads what stands behind `(?`; null where the syntax knows no such thing. */
  special: ((parser: Parser) => Node | null) | null;
}

/** RE2's limit; POSIX asks for at least 255. */
const MAX_REPEAT = 1000;
/** Far more than anybody writes; keeps the recursion of parser and compiler flat. */
const MAX_DEPTH = 100;

/** The part of the grammar that both syntaxes share: alternatives, sequences, repetitions, groups. */
export class Parser {
  readonly source: string;
  readonly dialect: Dialect;
  position = 0;
  groups = 0;
  /** Whether upper and lower case are one (RE2's flag i). */
  fold = false;
  depth = 0;

  constructor(source: string, dialect: Dialect) {
    this.source = source;
    this.dialect = dialect;
  }

  parse(): Node {
    const node = this.alternatives();
    if (!this.done) this.fail('")"', 'the end: no group is open');
    return node;
  }

  get done(): boolean {
    return this.position >= this.source.length;
  }

  peek(ahead = 0): string {
    return this.source.charAt(this.position + ahead);
  }

  take(text: string): boolean {
    if (!this.source.startsWith(text, this.position)) return false;
    this.position += text.length;
    return true;
  }

  /** Refuses what stands at `position`. */
  fail(read: string | null, expected: string, position = this.position): never {
    throw new PatternError(position, read ?? (this.done ? 'the end' : JSON.stringify(this.peek())), expected);
  }

  alternatives(): Node {
    if (++this.depth > MAX_DEPTH) this.fail(null, `groups nested at most ${MAX_DEPTH} deep`);
    const items = [this.sequence()];
    while (this.take('|')) items.push(this.sequence());
    this.depth--;
    return items.length === 1 ? items[0]! : { kind: 'alt', items };
  }

  /** A set, in both cases where the flag asks for it. */
  set(set: ByteSet): Node {
    if (this.fold) foldCase(set);
    return { kind: 'set', set };
  }

  byte(byte: number): Node {
    const node = single(byte);
    return node.kind === 'set' ? this.set(node.set) : node;
  }

  /** One character that stands for itself; beyond ASCII: the bytes of its UTF-8 form. */
  character(): Node {
    const code = this.source.codePointAt(this.position)!;
    if (code < 0x80) {
      this.position++;
      return this.byte(code);
    }
    if (code >= 0xd800 && code <= 0xdfff) this.fail('half a surrogate pair', 'a character');
    const text = String.fromCodePoint(code);
    this.position += text.length;
    return cat(Array.from(new TextEncoder().encode(text), single));
  }

  private sequence(): Node {
    const items: Node[] = [];
    while (!this.done && this.peek() !== '|' && this.peek() !== ')') {
      const at = this.position;
      const atom = this.atom();
      if (atom === null) continue;
      const node = this.repetitions(atom, at);
      if (node.kind === 'cat') items.push(...node.items);
      else items.push(node);
    }
    if (items.length === 0 && !this.dialect.emptyAllowed) this.fail(null, 'an expression');
    return cat(items);
  }

  private atom(): Node | null {
    switch (this.peek()) {
      case '^':
        this.position++;
        return { kind: 'start' };
      case '$':
        this.position++;
        return { kind: 'end' };
      case '.':
        this.position++;
        // Any byte, also in RE2's syntax: neither paths nor field values can hold a line end.
        return { kind: 'set', set: new Uint32Array(8).fill(0xffffffff) };
      case '[':
        this.position++;
        return this.dialect.bracket(this);
      case '\\':
        this.position++;
        if (this.done) this.fail(null, 'a character behind "\\"');
        return this.dialect.escape(this);
      case '(':
        return this.group();
      case '*':
      case '+':
      case '?':
        return this.fail(null, 'something to repeat before it ("\\" makes it an ordinary character)');
      case '{':
        if (this.dialect.braceAllowed && !this.intervalAhead()) return this.character();
        return this.fail(null, 'something to repeat before it ("\\" makes it an ordinary character)');
      default:
        return this.character();
    }
  }

  private group(): Node | null {
    const open = this.position++;
    const fold = this.fold;
    let node: Node | null;
    if (this.peek() === '?' && this.dialect.special !== null) {
      this.position++;
      node = this.dialect.special(this);
      // Flags alone, `(?i)`, hold to the end of the group around them.
      if (node === null) return null;
    } else {
      const index = ++this.groups;
      node = { kind: 'group', item: this.alternatives(), index };
    }
    if (!this.take(')')) this.fail(null, `")" for the "(" at character ${open + 1}`);
    this.fold = fold;
    return node;
  }

  private repetitions(atom: Node, at: number): Node {
    let min: number;
    let max: number;
    const mark = this.position;
    if (this.take('*')) [min, max] = [0, -1];
    else if (this.take('+')) [min, max] = [1, -1];
    else if (this.take('?')) [min, max] = [0, 1];
    else if (this.peek() === '{' && !(this.dialect.braceAllowed && !this.intervalAhead())) [min, max] = this.interval();
    else return atom;
    if ((atom.kind === 'start' || atom.kind === 'end') && !this.dialect.emptyAllowed) {
      this.fail(JSON.stringify(this.source.slice(at, this.position)), 'an anchor without repetition', at);
    }
    if (this.dialect.lazyAllowed) this.take('?');
    if (['*', '+', '?'].includes(this.peek()) || (this.peek() === '{' && this.intervalAhead())) {
      this.fail(
        JSON.stringify(this.source.slice(mark, this.position + 1)),
        'one repetition (a group around it allows two)',
        mark,
      );
    }
    return max === 0 ? EMPTY : { kind: 'repeat', item: atom, min, max };
  }

  private intervalAhead(): boolean {
    return /^\{\d+(?:,\d*)?\}/.test(this.source.slice(this.position, this.position + 16));
  }

  private interval(): [number, number] {
    const found = /^\{(\d{1,4})(?:(,)(\d{0,4}))?\}/.exec(this.source.slice(this.position, this.position + 16));
    const read = JSON.stringify(this.source.slice(this.position, this.position + 12));
    if (found === null) return this.fail(read, '{m}, {m,} or {m,n} ("\\{" is an ordinary brace)');
    const min = Number(found[1]);
    const max = found[2] === undefined ? min : found[3] === '' ? -1 : Number(found[3]);
    if (min > MAX_REPEAT || max > MAX_REPEAT) this.fail(read, `at most ${MAX_REPEAT} repetitions`);
    if (max >= 0 && max < min) this.fail(read, 'a lower bound that is not above the upper one');
    this.position += found[0].length;
    return [min, max];
  }
}
