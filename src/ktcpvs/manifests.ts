/** A configuration file as the objects that it says, for a server that is started with one. */
import type { ApiObject } from '../admin/contract.ts';
import { Draft } from './draft.ts';
import { loadTable } from './load.ts';
import { parseConfiguration } from './parse.ts';
import { Refused } from './refused.ts';
import type { Services } from './services.ts';

export interface ReadObjects {
  readonly objects: readonly {
    readonly object: ApiObject;
    /** Where it comes from, from 1. */ readonly line: number;
  }[];
  /** Not empty: the file is faulty, and `objects` is empty. */
  readonly faults: readonly {
    readonly file: string;
    readonly line: number | null;
    readonly column: number | null;
    readonly message: string;
  }[];
}

/**
 * Virtual servers of which the file does not say otherwise are started. A name to listen on must be an address here:
 * nothing is looked up. `file` is the name for messages. Never throws for what stands in the text.
 */
export function objectsOfConfiguration(text: string, file: string, services: Services): ReadObjects {
  const parsed = parseConfiguration(text, services);
  if (!parsed.ok) {
    const faults = parsed.faults.map(({ line, column, read, expected }) => ({
      file,
      line,
      column,
      message: `read ${read}, expected ${expected}`,
    }));
    return { objects: [], faults };
  }
  const draft = new Draft([]);
  try {
    loadTable(draft, parsed.table, { file, startNew: true });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return {
      objects: [],
      faults: [{ file, line: error.at?.line ?? null, column: error.at?.column ?? null, message: error.what }],
    };
  }
  const lines = new Map(
    parsed.table.virtuals.map(({ ident, at }) => [`${ident.namespace}/${ident.name}`, at?.line ?? 1]),
  );
  const objects = draft.changes().apply.map((object) => ({
    object,
    line:
      (object.kind === 'TcpVirtualServer' && lines.get(`${object.metadata.namespace}/${object.metadata.name}`)) || 1,
  }));
  return { objects, faults: [] };
}
