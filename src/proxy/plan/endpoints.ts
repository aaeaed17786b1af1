/** One record per endpoint, whatever rows and real servers name it, with its slot in shared memory. */
import type { RowPlan } from '../../model/plan.ts';
import type { ObjectKey, ProxyProtocol, ServerProtocol, ServerTls } from '../../model/snapshot.ts';
import type { DraftEndpoint } from './row-draft.ts';
import type { SlotAllocator } from './slots.ts';

export class EndpointRegistry {
  readonly #slots: SlotAllocator;
  readonly #byIdentity = new Map<string, EndpointState>();
  readonly #bySlot = new Map<number, EndpointState>();
  /** Endpoints that lost a row since the last sweep. */
  readonly #left = new Set<EndpointState>();

  constructor(slots: SlotAllocator) {
    this.#slots = slots;
  }

  get(identity: string): EndpointState | undefined {
    return this.#byIdentity.get(identity);
  }

  bySlot(slot: number): EndpointState | undefined {
    return this.#bySlot.get(slot);
  }

  all(): Iterable<EndpointState> {
    return this.#bySlot.values();
  }

  slotOf(endpoint: DraftEndpoint): number {
    const known = this.#byIdentity.get(endpoint.identity);
    if (known !== undefined) return known.slot;
    const { identity, address, port, protocol, tls, proxyProtocol, isAdaptive, guard } = endpoint;
    const state: EndpointState = {
      slot: this.#slots.take(),
      identity,
      address,
      port,
      protocol,
      tls,
      proxyProtocol,
      isAdaptive,
      guard,
      rows: new Map(),
      servers: new Map(),
      sparedIn: new Set(),
    };
    this.#byIdentity.set(identity, state);
    this.#bySlot.set(state.slot, state);
    return state.slot;
  }

  join(row: string, plan: RowPlan): void {
    for (const endpoint of plan.endpoints) {
      const state = this.#bySlot.get(endpoint.slot)!;
      const server = plan.cells[endpoint.cell]!.server;
      state.rows.set(row, (state.rows.get(row) ?? 0) + 1);
      state.servers.set(server, (state.servers.get(server) ?? 0) + 1);
    }
  }

  leave(row: string, plan: RowPlan, touched: Set<EndpointState>): void {
    for (const endpoint of plan.endpoints) {
      const state = this.#bySlot.get(endpoint.slot)!;
      decrement(state.rows, row);
      decrement(state.servers, plan.cells[endpoint.cell]!.server);
      state.sparedIn.delete(row);
      touched.add(state);
      this.#left.add(state);
    }
  }

  /** Notes in which endpoints of a row an ejection has no effect. */
  spare(plan: RowPlan, spared: readonly string[], touched: Set<EndpointState>): void {
    for (const { slot } of plan.endpoints) {
      const state = this.#bySlot.get(slot)!;
      if (state.sparedIn.size > 0) state.sparedIn.delete(plan.id);
      touched.add(state);
    }
    for (const identity of spared) this.#byIdentity.get(identity)!.sparedIn.add(plan.id);
  }

  /** Forgets the endpoints that no row uses any more; returns their slots, which are still to be freed. */
  sweep(touched: Set<EndpointState>): number[] {
    const removed: number[] = [];
    for (const state of this.#left) {
      if (state.rows.size > 0) continue;
      this.#byIdentity.delete(state.identity);
      this.#bySlot.delete(state.slot);
      touched.delete(state);
      removed.push(state.slot);
    }
    this.#left.clear();
    return removed;
  }
}

export interface EndpointState {
  readonly slot: number;
  readonly identity: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: ServerProtocol;
  readonly tls: ServerTls | null;
  readonly proxyProtocol: ProxyProtocol | null;
  readonly isAdaptive: boolean;
  readonly guard: string | null;
  /** Rows that use it, real servers that name it, and how often. */
  readonly rows: Map<string, number>;
  readonly servers: Map<ObjectKey, number>;
  /** Rows that keep it although it is ejected, because half of them is out already. */
  readonly sparedIn: Set<string>;
}

function decrement(counts: Map<string, number>, key: string): void {
  const left = (counts.get(key) ?? 0) - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}
