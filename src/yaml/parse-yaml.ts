/** YAML text → documents as plain data, each with a way to find the line of a field. Bounded against hostile input. */
import {
  constructFromEvents,
  type Event,
  EVENT_ID,
  getScalarValue,
  parseEvents,
  SCALAR_STYLE,
  type ScalarStyle,
  YAMLException,
} from 'js-yaml';

export interface Position {
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

export interface Document {
  readonly value: unknown;
  /** Where the field at the path stands, or what of the path there is. */
  readonly locate: (path: readonly (string | number)[]) => Position;
}

export interface YamlFault extends Position {
  readonly message: string;
}

/** Nobody nests or shares so much; both bound what a small file can become. */
const MAX_DEPTH = 64;
const MAX_ALIASES = 100;
const MAX_NODES = 1_000_000;

/** The documents of a text (JSON is YAML, too), without the empty ones; or what is wrong with it. */
export const parseYaml = (text: string): { documents: Document[] } | { fault: YamlFault } => {
  try {
    const events = parseEvents(text, { maxDepth: MAX_DEPTH });
    const values = constructFromEvents(events, { source: text, maxAliases: MAX_ALIASES });
    const starts = documentStarts(events);
    const tree = { text, events, items: new Map<number, readonly number[]>() };
    const positionAt = positionsIn(text);
    const documents = values.flatMap((value, index): Document[] => {
      if (value === null || value === undefined) return [];
      return [{ value, locate: (path) => positionAt(locate(tree, starts[index] ?? 0, path)) }];
    });
    const large = documents.find(({ value }) => expandedSize(value) > MAX_NODES);
    if (large !== undefined) {
      return { fault: { ...large.locate([]), message: `more than ${MAX_NODES} values, aliases expanded` } };
    }
    return { documents };
  } catch (error) {
    if (!(error instanceof YAMLException)) return { fault: { line: 1, column: 1, message: String(error) } };
    const { mark } = error;
    const line = mark?.line ?? 0;
    const message = `read ${shown(text, line)}, expected YAML: ${error.reason}`;
    return { fault: { line: line + 1, column: (mark?.column ?? 0) + 1, message } };
  }
};

/** The line itself, shortened: the parser's reasons say what is wrong, and not what was read. */
const shown = (text: string, line: number): string => {
  const read = text.split('\n', line + 1)[line]?.trim() ?? '';
  if (read === '') return 'the end';
  return JSON.stringify(read.length <= 60 ? read : `${read.slice(0, 60)}…`);
};

/** Values in the tree with every alias written out; counted once per shared part, so that it is linear. */
const expandedSize = (root: unknown): number => {
  const sizes = new Map<object, number>();
  const sizeOf = (value: unknown): number => {
    if (typeof value !== 'object' || value === null) return 1;
    const known = sizes.get(value);
    if (known !== undefined) return known;
    // An alias within its own anchor would be a circle: it counts as too large.
    sizes.set(value, Number.POSITIVE_INFINITY);
    const size = Object.values(value).reduce<number>((sum, each) => sum + sizeOf(each), 1);
    sizes.set(value, size);
    return size;
  };
  return sizeOf(root);
};

const documentStarts = (events: readonly Event[]): number[] =>
  events.flatMap((event, index) => (event.type === EVENT_ID.DOCUMENT ? [index] : []));

interface Tree {
  readonly text: string;
  readonly events: readonly Event[];
  /** Per list (by its event): the events of its items. Kept, because a `List` may have thousands. */
  readonly items: Map<number, readonly number[]>;
}

/** Offset in the text of the field at the path, in the document whose event has the index. */
const locate = (tree: Tree, document: number, path: readonly (string | number)[]): number => {
  let at = document + 1;
  let offset = startOf(tree.events[at]);
  for (const step of path) {
    const found = child(tree, at, step);
    if (found === null) break;
    ({ at, offset } = found);
  }
  return offset;
};

/** The child of a collection: where its value's event is, and where it (or its key) begins in the text. */
const child = (tree: Tree, collection: number, step: string | number): { at: number; offset: number } | null => {
  const { text, events } = tree;
  const type = events[collection]?.type;
  if (type === EVENT_ID.SEQUENCE && typeof step === 'number') {
    const at = itemsOf(tree, collection)[step];
    return at === undefined ? null : { at, offset: startOf(events[at]) };
  }
  if (type !== EVENT_ID.MAPPING) return null;
  let at = collection + 1;
  while (events[at] !== undefined && events[at]?.type !== EVENT_ID.POP) {
    const key = events[at];
    const value = after(events, at);
    if (key?.type === EVENT_ID.SCALAR && getScalarValue(text, key) === String(step)) {
      return { at: value, offset: startOf(key) };
    }
    at = after(events, value);
  }
  return null;
};

const itemsOf = ({ events, items }: Tree, list: number): readonly number[] => {
  const known = items.get(list);
  if (known !== undefined) return known;
  const found: number[] = [];
  for (let at = list + 1; events[at] !== undefined && events[at]?.type !== EVENT_ID.POP; at = after(events, at)) {
    found.push(at);
  }
  items.set(list, found);
  return found;
};

/** Index of the event behind the node that begins at the index. */
const after = (events: readonly Event[], index: number): number => {
  let depth = 0;
  for (let at = index; at < events.length; at++) {
    const type = events[at]?.type;
    if (type === EVENT_ID.SEQUENCE || type === EVENT_ID.MAPPING) depth++;
    else if (type === EVENT_ID.POP) depth--;
    if (depth <= 0) return at + 1;
  }
  return events.length;
};

const startOf = (event: Event | undefined): number => {
  switch (event?.type) {
    case EVENT_ID.SCALAR:
      return Math.max(0, event.valueStart - (isQuoted(event.style) ? 1 : 0));
    case EVENT_ID.SEQUENCE:
    case EVENT_ID.MAPPING:
      return event.start;
    case EVENT_ID.ALIAS:
      return event.anchorStart;
    case EVENT_ID.DOCUMENT:
    case EVENT_ID.POP:
    case undefined:
    default:
      return 0;
  }
};

const isQuoted = (style: ScalarStyle): boolean =>
  style === SCALAR_STYLE.SINGLE_QUOTED || style === SCALAR_STYLE.DOUBLE_QUOTED;

/** Offset → place; the lines are looked up, because a file may hold thousands of objects. */
const positionsIn = (text: string): ((offset: number) => Position) => {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
};
