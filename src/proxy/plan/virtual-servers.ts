/** Plans of virtual servers: where the counters of each rule are, and which rows it dispatches by. */
import type { Destination, ObjectKey, Rule, VirtualServerPiece } from '../../model/snapshot.ts';
import type { VirtualServerPlan } from '../messages.ts';
import type { PieceDiff, Pieces } from './diff.ts';
import type { Retired } from './resting.ts';
import type { RowSource } from './row-draft.ts';
import type { SlotAllocator } from './slots.ts';

export class VirtualServers {
  readonly #rules: SlotAllocator;
  readonly #slots: SlotAllocator;
  readonly #states = new Map<ObjectKey, State>();
  /** How many virtual servers' rules use a row. */
  readonly #references = new Map<string, number>();

  constructor(rules: SlotAllocator, slots: SlotAllocator) {
    this.#rules = rules;
    this.#slots = slots;
  }

  /** What the changed pieces ask for; nothing is changed yet. */
  draft(diff: PieceDiff, current: Pieces): VirtualServersDraft {
    const shapes: Shape[] = [];
    const delta = new Map<string, number>();
    const sources = new Map<string, RowSource>();
    let rules = 0;
    let virtualServers = 0;
    for (const key of diff.virtualServers.removed)
      for (const row of this.#states.get(key)?.rows ?? []) add(delta, row, -1);
    for (const [key, piece] of diff.virtualServers.changed) {
      const known = this.#states.get(key);
      for (const row of known?.rows ?? []) add(delta, row, -1);
      const shape = shapeOf(piece);
      shapes.push(shape);
      for (const [row, source] of shape.sources) {
        add(delta, row, 1);
        // A column belongs to its matrix: that a virtual server changed is no reason to look at it again.
        if (source.kind !== 'App' || (this.#references.get(row) ?? 0) === 0) sources.set(row, source);
      }
      rules += shape.names.filter((name) => known?.slots.has(name) !== true).length;
      if (!current.virtualServers.has(key)) virtualServers++;
    }
    const removedRows: string[] = [];
    for (const [row, change] of delta) {
      const before = this.#references.get(row) ?? 0;
      if (before > 0 && before + change === 0) removedRows.push(row);
    }
    return {
      shapes,
      delta,
      sources,
      removedRows,
      removed: diff.virtualServers.removed,
      needs: { rules, virtualServers },
    };
  }

  commit(draft: VirtualServersDraft, retired: Retired): VirtualServerPlan[] {
    for (const [row, change] of draft.delta) {
      const count = (this.#references.get(row) ?? 0) + change;
      if (count > 0) this.#references.set(row, count);
      else this.#references.delete(row);
    }
    for (const key of draft.removed) {
      const state = this.#states.get(key);
      if (state === undefined) continue;
      this.#states.delete(key);
      retired.virtualServers.push(state.plan.slot);
      retired.rules.push(...state.slots.values());
    }
    return draft.shapes.map((shape) => this.#write(shape, retired));
  }

  plans(): VirtualServerPlan[] {
    return [...this.#states.values()].map((state) => state.plan);
  }

  #write(shape: Shape, retired: Retired): VirtualServerPlan {
    const { piece, names } = shape;
    const known = this.#states.get(piece.key);
    const slots = new Map<string, number>();
    for (const name of names) slots.set(name, known?.slots.get(name) ?? this.#rules.take());
    for (const [name, slot] of known?.slots ?? []) if (!slots.has(name)) retired.rules.push(slot);
    const plan: VirtualServerPlan = {
      piece,
      slot: known?.plan.slot ?? this.#slots.take(),
      rules: shape.rows.map((row, index) => ({ row, slot: slots.get(names[index]!)! })),
      fallback: shape.fallback === null ? null : { row: shape.fallback, slot: slots.get(FALLBACK)! },
      redirect: shape.redirect,
      mirrors: shape.mirrors,
    };
    this.#states.set(piece.key, { plan, slots, rows: [...shape.sources.keys()] });
    return plan;
  }
}

export interface VirtualServersDraft {
  readonly shapes: readonly Shape[];
  readonly delta: ReadonlyMap<string, number>;
  /** Rows that the changed virtual servers bring, or whose destinations stand in them. */
  readonly sources: ReadonlyMap<string, RowSource>;
  readonly removedRows: readonly string[];
  readonly removed: ReadonlySet<ObjectKey>;
  readonly needs: { readonly rules: number; readonly virtualServers: number };
}

interface State {
  readonly plan: VirtualServerPlan;
  readonly slots: ReadonlyMap<string, number>;
  readonly rows: readonly string[];
}

/** A virtual server's rows, without slots. */
interface Shape {
  readonly piece: VirtualServerPiece;
  readonly sources: ReadonlyMap<string, RowSource>;
  /** What has a rule's counters: its rules by unique name, then FALLBACK where it has destinations of its own. */
  readonly names: readonly string[];
  /** Per rule. */
  readonly rows: readonly string[];
  readonly fallback: string | null;
  readonly redirect: string | null;
  readonly mirrors: VirtualServerPlan['mirrors'];
}

/** No rule can be called so. */
const FALLBACK = '';

export const matrixRow = (matrix: ObjectKey, app: string): string => `matrix ${matrix} ${app}`;
const ruleRow = (key: ObjectKey, name: string): string => `rule ${key} ${name}`;
const serversRow = (key: ObjectKey): string => `servers ${key}`;
const redirectRow = (key: ObjectKey): string => `redirect ${key}`;
const mirrorRow = (server: ObjectKey): string => `mirror ${server}`;

function shapeOf(piece: VirtualServerPiece): Shape {
  const sources = new Map<string, RowSource>();
  const names = uniqueNames(piece.rules);
  const rows = piece.rules.map((rule, index) => {
    const { destinations } = rule;
    const id =
      destinations.kind === 'App'
        ? matrixRow(destinations.matrix, destinations.app)
        : ruleRow(piece.key, names[index]!);
    sources.set(id, destinations);
    return id;
  });
  let fallback: string | null = null;
  if (piece.servers.length > 0) {
    fallback = serversRow(piece.key);
    names.push(FALLBACK);
    sources.set(fallback, ownServers(piece.servers));
  }
  const mirrored = new Set<ObjectKey>();
  for (const rule of piece.rules) {
    for (const filter of rule.filters) if (filter.type === 'Mirror') mirrored.add(filter.server);
  }
  const mirrors = [...mirrored].map((server) => ({ server, row: mirrorRow(server) }));
  for (const { server, row } of mirrors) sources.set(row, ownServers([{ server, weight: 1 }]));
  let redirect: string | null = null;
  if (piece.redirect !== null) {
    redirect = redirectRow(piece.key);
    sources.set(redirect, { kind: 'Address', endpoint: piece.redirect });
  }
  return { piece, sources, names, rows, fallback, redirect, mirrors };
}

const ownServers = (servers: readonly Destination[]): RowSource => ({ kind: 'Servers', servers });

/** Names of rules are unique within a virtual server; should they not be, each still gets counters of its own. */
function uniqueNames(rules: readonly Rule[]): string[] {
  const seen = new Map<string, number>();
  return rules.map(({ name }) => {
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return times === 1 ? name : `${name} #${times}`;
  });
}

function add(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
