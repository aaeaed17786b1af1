/** YAML text → documents as plain data, each with a way to find the line of a field. Bounded against hostile input. */
import { constructFromEvents, type Event, EVENT_ID, getScalarValue, parseEvents, YAMLException } from 'js-yaml';

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
    const documents = values.flatMap((value, index): Document[] => {
      if (value === null || value === undefined) return [];
      return [{ value, locate: (path) => positionAt(text, locate(text, events, starts[index] ?? 0, path)) }];
    });
    const large = documents.find(({ value }) => expandedSize(value) > MAX_NODES);
    if (large !== undefined) {
      return { fault: { ...large.locate([]), message: `more than ${MAX_NODES} values, aliases expanded` } };
    }
    return { documents };
  } catch (error) {
    if (!(error instanceof YAMLException)) return { fault: { line: 1, column: 1, message: String(error) } };
    const { mark } = error;
    return { fault: { line: (mark?.line ?? 0) + 1, column: (mark?.column ?? 0) + 1, message: error.reason } };
  }
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

/** Offset in the text of the field at the path, in the document whose event has the index. */
const locate = (
  text: string,
  events: readonly Event[],
  document: number,
  path: readonly (string | number)[],
): number => {
  let at = document + 1;
  let offset = startOf(events[at]);
  for (const step of path) {
    const found = child(text, events, at, step);
    if (found === null) break;
    ({ at, offset } = found);
  }
  return offset;
};

/** The child of a collection: where its value's event is, and where it (or its key) begins in the text. */
const child = (
  text: string,
  events: readonly Event[],
  collection: number,
  step: string | number,
): { at: number; offset: number } | null => {
  const event = events[collection];
  if (event?.type === EVENT_ID.SEQUENCE) {
    let at = collection + 1;
    for (let index = 0; events[at] !== undefined && events[at]?.type !== EVENT_ID.POP; index++) {
      if (index === step) return { at, offset: startOf(events[at]) };
      at = after(events, at);
    }
  }
  if (event?.type === EVENT_ID.MAPPING) {
    let at = collection + 1;
    while (events[at] !== undefined && events[at]?.type !== EVENT_ID.POP) {
      const key = events[at];
      const value = after(events, at);
      if (key?.type === EVENT_ID.SCALAR && getScalarValue(text, key) === String(step)) {
        return { at: value, offset: startOf(key) };
      }
      at = after(events, value);
    }
  }
  return null;
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
      return Math.max(0, event.valueStart);
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

const positionAt = (text: string, offset: number): Position => {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - (before.lastIndexOf('\n') + 1) + 1 };
};
