/**
 * Values that are made from other values, each made anew only when one that it has read has changed. Kinds have an order:
 * a value reads kinds before its own alone, so that one walk in that order settles all.
 */
export interface Rule<Values, Value> {
  /** From what it reads; undefined: there is none. */
  readonly make: (key: string, read: Reader<Values>) => Value | undefined;
  /** Whether what is made anew counts as unchanged; the former one stays then. Default: `===`. */
  readonly same?: (former: Value, now: Value) => boolean;
}

export interface Reader<Values> {
  /** The value, on which the one being made depends from now on. */
  value<K extends keyof Values>(kind: K, key: string): Values[K] | undefined;
  /** Only that there is to be such a value: who reads it elsewhere finds it. */
  need(kind: keyof Values, key: string): void;
}

/** Kinds without a rule are set from outside. */
export type Rules<Values> = { readonly [K in keyof Values]: Rule<Values, Values[K]> | null };

export interface Change<Values> {
  readonly kind: keyof Values;
  readonly key: string;
  /** undefined: there is none any more. */
  readonly value: unknown;
}

export class Graph<Values> {
  readonly #rules: Rules<Values>;
  readonly #kinds: readonly Kind[];
  readonly #byName: ReadonlyMap<keyof Values, Kind>;
  readonly #reader: Reader<Values>;
  /** Being made. */
  #current: Node | null = null;
  #changes = new Map<Node, unknown>();
  /** Nodes that somebody ceased to read. */
  readonly #left = new Set<Node>();

  /** The order of the rules is the order of the kinds. */
  constructor(rules: Rules<Values>) {
    this.#rules = rules;
    const names = Object.keys(rules) as (keyof Values)[];
    this.#kinds = names.map((name, rank) => ({ name: name as string, rank, nodes: new Map(), dirty: new Set() }));
    this.#byName = new Map(names.map((name, rank) => [name, this.#kinds[rank]!]));
    this.#reader = {
      value: (kind, key) => this.#link(kind, key, true).value as never,
      need: (kind, key) => void this.#link(kind, key, false),
    };
  }

  /** As it was last settled. */
  value<K extends keyof Values>(kind: K, key: string): Values[K] | undefined {
    return this.#kind(kind).nodes.get(key)?.value as Values[K] | undefined;
  }

  /** A value from outside; undefined takes it away. Equal (===) values change nothing. */
  set<K extends keyof Values>(kind: K, key: string, value: Values[K] | undefined): void {
    const node = this.#node(this.#kind(kind), key);
    node.wanted = value !== undefined;
    this.#put(node, value);
    if (!node.wanted) this.#left.add(node);
  }

  /** A value that is wanted though nobody reads it (or not any more). It is made by the next `settle`. */
  want(kind: keyof Values, key: string, wanted: boolean): void {
    const node = this.#node(this.#kind(kind), key);
    node.wanted = wanted;
    if (!wanted) this.#left.add(node);
    else if (!node.made) node.kind.dirty.add(node);
  }

  /** All that is wanted is made anew, as far as it must be. Returns what has changed since the last time, each once. */
  settle(): Change<Values>[] {
    for (const { dirty } of this.#kinds) {
      for (const node of dirty) {
        if (node.wanted || node.readers.size > 0) this.#make(node);
        else dirty.delete(node);
      }
    }
    this.#sweep();
    const changes = [...this.#changes]
      .filter(([node, before]) => node.value !== before)
      .map(([{ kind, key, value }]) => ({ kind: kind.name as keyof Values, key, value }));
    this.#changes = new Map();
    return changes;
  }

  #kind(name: keyof Values): Kind {
    return this.#byName.get(name)!;
  }

  #node(kind: Kind, key: string): Node {
    let node = kind.nodes.get(key);
    if (node === undefined) {
      node = { kind, key, value: undefined, made: false, wanted: false, reads: [], readers: new Map() };
      kind.nodes.set(key, node);
    }
    return node;
  }

  #link(name: keyof Values, key: string, isValue: boolean): Node {
    const kind = this.#kind(name);
    const reader = this.#current!;
    if (kind.rank >= reader.kind.rank) throw new Error(`${reader.kind.name} must not read ${kind.name}`);
    const node = this.#node(kind, key);
    // Before it has its reader: that one is being made already.
    if (!node.made) this.#make(node);
    const before = node.readers.get(reader);
    if (before === undefined) reader.reads.push(node);
    if (before !== true) node.readers.set(reader, isValue);
    return node;
  }

  #make(node: Node): void {
    node.kind.dirty.delete(node);
    const rule = this.#rules[node.kind.name as keyof Values] as Rule<Values, unknown> | null;
    if (rule === null) return;
    for (const other of node.reads) {
      other.readers.delete(node);
      this.#left.add(other);
    }
    node.reads = [];
    const outer = this.#current;
    this.#current = node;
    try {
      const value = rule.make(node.key, this.#reader);
      node.made = true;
      const same = node.value !== undefined && value !== undefined && rule.same?.(node.value, value) === true;
      if (!same) this.#put(node, value);
    } finally {
      this.#current = outer;
    }
  }

  #put(node: Node, value: unknown): void {
    node.made = true;
    if (node.value === value) return;
    if (!this.#changes.has(node)) this.#changes.set(node, node.value);
    node.value = value;
    for (const [reader, isValue] of node.readers) if (isValue) reader.kind.dirty.add(reader);
  }

  /** Forgets what nobody wants or reads any more, and what only that has read. */
  #sweep(): void {
    for (const node of this.#left) {
      // Taken out, so that it comes again where somebody ceases to read it later on this walk.
      this.#left.delete(node);
      if (node.wanted || node.readers.size > 0) continue;
      node.kind.nodes.delete(node.key);
      node.kind.dirty.delete(node);
      if (node.value !== undefined) {
        if (!this.#changes.has(node)) this.#changes.set(node, node.value);
        node.value = undefined;
      }
      for (const other of node.reads) {
        other.readers.delete(node);
        this.#left.add(other);
      }
    }
  }
}

interface Kind {
  readonly name: string;
  readonly rank: number;
  readonly nodes: Map<string, Node>;
  readonly dirty: Set<Node>;
}

interface Node {
  readonly kind: Kind;
  readonly key: string;
  value: unknown;
  made: boolean;
  /** From outside. */
  wanted: boolean;
  reads: Node[];
  /** True: by value; false: only that it is there. */
  readonly readers: Map<Node, boolean>;
}
