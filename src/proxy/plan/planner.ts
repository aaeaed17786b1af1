/**
 * Turns snapshots and what is known of the endpoints into plans for the workers, at the cost of what changed: pieces whose
 * hash is the same are not looked at, and a row whose weights, endpoints and availability are the same keeps its epoch,
 * cursors and counters. Pure: memory, availability and time are given.
 */
import type { RowPlan, Schedule } from '../../model/plan.ts';
import type { ObjectKey, Piece, Snapshot } from '../../model/snapshot.ts';
import type { VirtualServerPlan } from '../messages.ts';
import { changedColumns, diffPieces, type PieceDiff, type Pieces } from './diff.ts';
import { EndpointRegistry, type EndpointState } from './endpoints.ts';
import { CellLedger, type CellSums, type Epoch } from './ledger.ts';
import type { Availability, Capacity, PlanMemory } from './memory.ts';
import { nothingRetired, Resting, type Retired } from './resting.ts';
import { draftRow, sameRow, type RowDraft, type RowSource, type World } from './row-draft.ts';
import { droppedCaps, writeRow } from './row-plan.ts';
import { RowShapes } from './row-shapes.ts';
import type { RowState } from './row-state.ts';
import { CapacityError, PlanError, SlotAllocator } from './slots.ts';
import { matrixRow, VirtualServers } from './virtual-servers.ts';

export class Planner {
  readonly #options: PlannerOptions;
  readonly #slots: Record<keyof Capacity, SlotAllocator>;
  readonly #ledger: CellLedger;
  readonly #resting: Resting;
  readonly #pieces: Pieces = {
    virtualServers: new Map(),
    matrices: new Map(),
    servers: new Map(),
    services: new Map(),
  };
  /** The same, as the snapshot in force has them. */
  #inForce: readonly Piece[] = [];
  readonly #virtualServers: VirtualServers;
  readonly #endpoints: EndpointRegistry;
  readonly #rows = new Map<string, RowState>();
  readonly #rowsOfServer = new Map<ObjectKey, Set<string>>();
  readonly #rowsOfMatrix = new Map<ObjectKey, Set<string>>();
  readonly #rowsOfService = new Map<ObjectKey, Set<string>>();

  constructor(options: PlannerOptions) {
    this.#options = options;
    const { memory, grace } = options;
    const slots = (name: string, kind: keyof Capacity) =>
      new SlotAllocator(name, memory.capacity[kind], (slot) => memory.reset(kind, slot));
    this.#slots = {
      endpoints: slots('endpoints', 'endpoints'),
      cursors: slots('cursors', 'cursors'),
      cells: slots('cells', 'cells'),
      caps: slots('cells with a cap', 'caps'),
      rules: slots('rules', 'rules'),
      virtualServers: slots('virtual servers', 'virtualServers'),
    };
    this.#ledger = new CellLedger(memory.readCell);
    this.#resting = new Resting({
      grace,
      slots: this.#slots,
      idle: memory.idle,
      idleCell: memory.idleCell,
      ended: (row) => this.#ledger.settle(row, this.#rows.get(row.plan.id)),
    });
    this.#virtualServers = new VirtualServers(this.#slots.rules, this.#slots.virtualServers);
    this.#endpoints = new EndpointRegistry(this.#slots.endpoints);
  }

  /** Throws a PlanError, with nothing changed: a CapacityError where shared memory does not hold all that is asked. */
  plan(snapshot: Snapshot, availability: Availability, now: number): PlanChange {
    const steps = this.steps(snapshot, availability, now);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  }

  /**
   * The same in small steps, so that thousands of new rows do not hold up who has to accept connections meanwhile. Nothing
   * that anybody sees is changed before the last step; between the steps, nothing else may be planned.
   */
  *steps(snapshot: Snapshot, availability: Availability, now: number): Generator<void, PlanChange> {
    yield* this.#resting.steps(now);
    const diff = diffPieces(this.#pieces, this.#inForce, snapshot.pieces);
    const draft = this.#virtualServers.draft(diff, this.#pieces);
    const affected = new Set<string>(draft.sources.keys());
    for (const key of [...diff.matrices.changed.keys(), ...diff.matrices.removed]) {
      const used = this.#rowsOfMatrix.get(key);
      for (const app of changedColumns(this.#pieces.matrices.get(key), diff.matrices.get(key))) {
        const id = matrixRow(key, app);
        if (used?.has(id) === true) affected.add(id);
      }
    }
    for (const key of [...diff.servers.changed.keys(), ...diff.servers.removed]) {
      for (const id of this.#rowsOfServer.get(key) ?? []) affected.add(id);
    }
    for (const key of [...diff.services.changed.keys(), ...diff.services.removed]) {
      for (const id of this.#rowsOfService.get(key) ?? []) affected.add(id);
    }
    for (const id of draft.removedRows) affected.delete(id);
    const world = this.#world(diff, availability);
    const rows: Drafted[] = [];
    for (const id of affected) {
      rows.push(this.#draft(id, (draft.sources.get(id) ?? this.#rows.get(id)?.source)!, world));
      yield;
    }
    this.#check(rows, draft.needs);
    const shapes = new RowShapes(this.#endpoints);
    for (const row of rows) {
      this.#write(row, shapes);
      yield;
    }
    applyDiff(this.#pieces, diff);
    this.#inForce = snapshot.pieces;
    const retired = nothingRetired();
    const virtualServers = this.#virtualServers.commit(draft, retired);
    // Read now: afterwards all rows are old ones.
    const bound = new Set([...draft.sources.keys()].filter((id) => this.#rows.has(id)));
    const change = this.#commit(rows, draft.removedRows, virtualServers, [...diff.virtualServers.removed], retired);
    return {
      ...change,
      rows: change.early.filter(({ id }) => bound.has(id)),
      early: change.early.filter(({ id }) => !bound.has(id)),
    };
  }

  /** New epochs for those of the rows whose availability is not what it was; throws as `plan` does. */
  replan(rows: Iterable<string>, availability: Availability, now: number): PlanChange {
    this.#resting.settle(now, SETTLED_AT_ONCE);
    const world = this.#world(null, availability);
    const drafts: Drafted[] = [];
    for (const id of rows) {
      const row = this.#rows.get(id);
      if (row !== undefined) drafts.push(this.#draft(id, row.source, world));
    }
    this.#check(drafts, { rules: 0, virtualServers: 0 });
    const shapes = new RowShapes(this.#endpoints);
    for (const draft of drafts) this.#write(draft, shapes);
    return this.#commit(drafts, [], [], [], nothingRetired());
  }

  /** All there is, for a worker that has nothing yet. */
  full(): { readonly virtualServers: readonly VirtualServerPlan[]; readonly rows: readonly RowPlan[] } {
    return { virtualServers: this.#virtualServers.plans(), rows: [...this.#rows.values()].map((row) => row.plan) };
  }

  rows(): Iterable<RowState> {
    return this.#rows.values();
  }

  row(id: string): RowPlan | undefined {
    return this.#rows.get(id)?.plan;
  }

  endpoints(): Iterable<EndpointState> {
    return this.#endpoints.all();
  }

  endpoint(slot: number): EndpointState | undefined {
    return this.#endpoints.bySlot(slot);
  }

  server(key: ObjectKey) {
    return this.#pieces.servers.get(key);
  }

  /** Epochs of a row that are over, but may still be written to: what `ended` says follows from them too. */
  ending(row: RowState): ReadonlySet<Epoch> {
    return this.#ledger.ending(row.plan.id);
  }

  /** What the cells of a row counted in the epochs before, cell by cell. */
  ended(row: RowState): CellSums[] {
    return this.#ledger.before(row);
  }

  #world(diff: PieceDiff | null, availability: Availability): World {
    return {
      server: (key) => (diff === null ? this.#pieces.servers.get(key) : diff.servers.get(key)),
      matrix: (key) => (diff === null ? this.#pieces.matrices.get(key) : diff.matrices.get(key)),
      service: (key) => (diff === null ? this.#pieces.services.get(key) : diff.services.get(key)),
      slot: (identity) => this.#endpoints.get(identity)?.slot ?? -1,
      availability,
      maxConnections: this.#options.maxConnections,
    };
  }

  #draft(id: string, source: RowSource, world: World): Drafted {
    const old = this.#rows.get(id);
    const draft = draftRow(id, source, world);
    const same = old !== undefined && sameRow(draft, old.plan);
    return { draft, source, schedule: same ? null : this.#schedule(draft), state: null, stays: false };
  }

  /** Takes slots, which have been checked to be there. Its endpoints know the row from now on, beside what it was before. */
  #write(drafted: Drafted, shapes: RowShapes): void {
    const { draft, source, schedule } = drafted;
    if (schedule === null) return;
    const before = this.#rows.get(draft.id);
    const old = before?.plan;
    const shape = shapes.of(draft);
    const plan = writeRow(draft, shape, schedule, before, this.#slots);
    drafted.state = { plan, source, names: shape.names, services: draft.services };
    drafted.stays = old !== undefined && sameMembers(old, plan);
    if (!drafted.stays) this.#endpoints.join(draft.id, plan);
  }

  #schedule({ id, cells }: RowDraft): Schedule {
    try {
      return this.#options.schedule(cells.map((cell) => (cell.available ? cell.scaled : 0)));
    } catch (error) {
      throw new PlanError(`${id}: ${(error as Error).message}; the configuration before stays in force`, {
        cause: error,
      });
    }
  }

  /** The whole need against what is free, before anything is changed. */
  #check(rows: readonly Drafted[], more: Pick<Capacity, 'rules' | 'virtualServers'>): void {
    const endpoints = new Set<string>();
    let [cells, caps, cursors] = [0, 0, 0];
    for (const { draft, schedule } of rows) {
      if (schedule === null) continue;
      cells += draft.cells.length;
      for (const { cap } of draft.cells) if (cap !== undefined) caps++;
      cursors += draft.cells.length + 2;
      for (const endpoint of draft.endpoints) if (endpoint.slot < 0) endpoints.add(endpoint.identity);
    }
    const needs: Capacity = { ...more, endpoints: endpoints.size, cells, caps, cursors };
    for (const [kind, need] of Object.entries(needs) as [keyof Capacity, number][]) {
      const slots = this.#slots[kind];
      if (need > slots.available) throw new CapacityError(slots.name, slots.capacity, slots.used + need);
    }
  }

  #commit(
    drafts: readonly Drafted[],
    removedRows: readonly string[],
    virtualServers: readonly VirtualServerPlan[],
    removedVirtualServers: readonly ObjectKey[],
    retired: Retired,
  ): PlanChange {
    const touched = new Set<EndpointState>();
    const rows: RowPlan[] = [];
    for (const { draft, source, state, stays } of drafts) {
      const old = this.#rows.get(draft.id);
      this.#indexServices(draft.id, old?.services ?? [], draft.services);
      if (state === null) Object.assign(old!, { source, services: draft.services } satisfies Partial<RowState>);
      else {
        this.#unindex(old, stays, touched, retired);
        retired.caps.push(...droppedCaps(old?.plan, state.plan));
        this.#rows.set(draft.id, state);
        if (!stays) this.#index(state);
        rows.push(state.plan);
      }
      this.#endpoints.spare((state ?? old)!.plan, draft.spared, touched);
    }
    for (const id of removedRows) {
      const old = this.#rows.get(id);
      if (old === undefined) continue;
      this.#rows.delete(id);
      this.#indexServices(id, old.services, []);
      this.#unindex(old, false, touched, retired);
      retired.caps.push(...droppedCaps(old.plan, null));
    }
    const removedEndpoints = this.#endpoints.sweep(touched);
    retired.endpoints.push(...removedEndpoints);
    return {
      early: rows,
      virtualServers,
      removedVirtualServers,
      rows: [],
      removedRows,
      endpoints: [...touched],
      removedEndpoints,
      retire: (now) => this.#resting.add(retired, now),
    };
  }

  /** The epoch is over. `stays`: the next one has the same members, so that the indices remain as they are. */
  #unindex(old: RowState | undefined, stays: boolean, touched: Set<EndpointState>, retired: Retired): void {
    if (old === undefined) return;
    const { plan, source } = old;
    retired.rows.push(old);
    this.#ledger.retire(old);
    if (stays) return;
    if (source.kind === 'App') removeFrom(this.#rowsOfMatrix, source.matrix, plan.id);
    this.#endpoints.leave(plan.id, plan, touched);
    for (const cell of plan.cells) removeFrom(this.#rowsOfServer, cell.server, plan.id);
  }

  #indexServices(row: string, before: readonly ObjectKey[], after: readonly ObjectKey[]): void {
    for (const key of before) if (!after.includes(key)) removeFrom(this.#rowsOfService, key, row);
    for (const key of after) if (!before.includes(key)) addTo(this.#rowsOfService, key, row);
  }

  #index({ plan, source }: RowState): void {
    if (source.kind === 'App') addTo(this.#rowsOfMatrix, source.matrix, plan.id);
    for (const cell of plan.cells) addTo(this.#rowsOfServer, cell.server, plan.id);
  }
}

/** Rows whose slots are freed in one go, at most; twice as many as are planned anew in one go. */
const SETTLED_AT_ONCE = 400;

export interface PlannerOptions {
  readonly memory: PlanMemory;
  readonly schedule: (weights: readonly number[]) => Schedule;
  /** Milliseconds for which a slot rests before it is used again. */
  readonly grace: number;
  /** Requests in flight per endpoint where the real server does not say. */
  readonly maxConnections: number;
}

/** What workers must be told, and what the owner must do. */
export interface PlanChange {
  /**
   * Rows that no changed rule depends on: their weights or endpoints changed, or nobody uses them yet. Each may take effect
   * by itself, before all the rest, which takes effect together.
   */
  readonly early: readonly RowPlan[];
  readonly virtualServers: readonly VirtualServerPlan[];
  readonly removedVirtualServers: readonly ObjectKey[];
  readonly rows: readonly RowPlan[];
  readonly removedRows: readonly string[];
  /** Endpoints that are new, or whose real servers or rows changed. */
  readonly endpoints: readonly EndpointState[];
  /** Slots of endpoints that no row uses any more. */
  readonly removedEndpoints: readonly number[];
  /** To be called when all workers have acknowledged the change: from then on the old slots rest. */
  readonly retire: (now: number) => void;
}

interface Drafted {
  readonly draft: RowDraft;
  readonly source: RowSource;
  /** null: the row is as it was. */
  readonly schedule: Schedule | null;
  /** Once it is written. */
  state: RowState | null;
  /** The same members as before: the indices remain as they are. */
  stays: boolean;
}

function applyDiff(pieces: Pieces, diff: PieceDiff): void {
  for (const kind of ['virtualServers', 'matrices', 'servers', 'services'] as const) {
    const map = pieces[kind] as Map<ObjectKey, unknown>;
    for (const key of diff[kind].removed) map.delete(key);
    for (const [key, piece] of diff[kind].changed) map.set(key, piece);
  }
}

/** A row's id says which column of which matrix it is, if any. */
function sameMembers(a: RowPlan, b: RowPlan): boolean {
  return (
    a.cells.length === b.cells.length &&
    a.endpoints.length === b.endpoints.length &&
    a.cells.every((cell, index) => cell.server === b.cells[index]!.server) &&
    a.endpoints.every(({ slot, cell }, index) => slot === b.endpoints[index]!.slot && cell === b.endpoints[index]!.cell)
  );
}

function addTo(index: Map<string, Set<string>>, key: string, id: string): void {
  const set = index.get(key);
  if (set === undefined) index.set(key, new Set([id]));
  else set.add(id);
}

function removeFrom(index: Map<string, Set<string>>, key: string, id: string): void {
  const set = index.get(key);
  set?.delete(id);
  if (set?.size === 0) index.delete(key);
}
