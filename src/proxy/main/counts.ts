/** Shares and live counts, from shared memory and from what ended epochs left. */
import type { CountsDocument, EndpointCounts, RowCounts } from '../../model/counts.ts';
import type { RowPlan } from '../../model/plan.ts';
import { type CellSums, withShares } from '../../model/shares.ts';
import { NONE } from '../../scheduler/cell-room.ts';
import { finish, Slices } from '../../slices/slices.ts';
import type { EndpointState } from '../plan/endpoints.ts';
import { addSums, type Epoch } from '../plan/ledger.ts';
import type { Planner } from '../plan/planner.ts';
import type { RowState } from '../plan/row-state.ts';
import { DOWN } from '../shared.ts';
import type { MainMemory } from './memory.ts';

/**
 * Reads the counts. What counts as it did before is the same object (===) as before: with thousands of rows, of which most
 * are idle, a look costs little more than the reading of shared memory, and so does whoever compares two of them.
 */
export class Counts {
  readonly #planner: Planner;
  readonly #memory: MainMemory;
  readonly #isFailing: (slot: number) => boolean;
  readonly #rows = new Map<string, KnownRow>();
  /** By slot. */
  readonly #endpoints: (KnownEndpoint | undefined)[] = [];
  #last: CountsDocument = { rows: [], endpoints: [] };

  /** `isFailing`: whether an endpoint would be out, if it were not spared. */
  constructor(planner: Planner, memory: MainMemory, isFailing: (slot: number) => boolean) {
    this.#planner = planner;
    this.#memory = memory;
    this.#isFailing = isFailing;
  }

  read(): CountsDocument {
    return finish(this.#steps());
  }

  /** The same in slices of so many milliseconds: of what is there now, each row and endpoint as it is when it is its turn. */
  readInSlices(slice: number): Promise<CountsDocument> {
    return new Slices(slice).all(this.#steps());
  }

  *#steps(): Generator<void, CountsDocument> {
    // Slots rest before they are used again: what leaves meanwhile can still be read.
    const [states, endpointStates] = [[...this.#planner.rows()], [...this.#planner.endpoints()]];
    const { rows: rowsBefore, endpoints: endpointsBefore } = this.#last;
    const [rows, endpoints] = [new Again(rowsBefore), new Again(endpointsBefore)];
    for (const [index, row] of states.entries()) {
      rows.add(this.#row(row));
      if (index % STEP === 0) yield;
    }
    if (this.#rows.size > states.length) {
      for (const id of this.#rows.keys()) if (this.#planner.row(id) === undefined) this.#rows.delete(id);
    }
    for (const [index, endpoint] of endpointStates.entries()) {
      for (const each of this.#endpoint(endpoint)) endpoints.add(each);
      if (index % STEP === 0) yield;
    }
    const isAsBefore = rows.list === rowsBefore && endpoints.list === endpointsBefore;
    if (!isAsBefore) this.#last = { rows: rows.list, endpoints: endpoints.list };
    return this.#last;
  }

  #row(row: RowState): RowCounts {
    const { plan } = row;
    const known = this.#rows.get(plan.id);
    const ending = this.#planner.ending(row);
    let total = this.#total(plan);
    for (const epoch of ending) total += this.#total(epoch.plan);
    const inFlight = this.#inFlight(plan);
    const isAsBefore = known?.plan === plan && known.ending === ending.size && known.inFlight === inFlight;
    if (isAsBefore && known.total === total) return known.counts;
    const counts = this.#rowCounts(row);
    this.#rows.set(plan.id, { plan, total, inFlight, ending: ending.size, counts });
    return counts;
  }

  /** At its cells that have a cap: who leaves without an answer is counted nowhere else. */
  #inFlight({ capSlots }: RowPlan): number {
    if (capSlots === undefined) return 0;
    return capSlots.reduce((sum, slot) => (slot === NONE ? sum : sum + this.#memory.inFlightAt(slot)), 0);
  }

  /** Counters only rise: the same sum is the same counts. */
  #total({ counters }: Epoch['plan']): number {
    let total = 0;
    for (const counter of counters) total += this.#memory.cellTotal(counter);
    return total;
  }

  #rowCounts(row: RowState): RowCounts {
    const { plan } = row;
    const ended = this.#planner.ended(row);
    const isOfMatrix = plan.app !== null;
    const isWarming = plan.cells.some(({ weight, scaled }) => scaled !== weight);
    const cells = plan.cells.map(({ server, weight, scaled, available, cap }, index): CellSums => {
      const current = this.#memory.readCell(plan.counters[index]!);
      const sums = addSums(current, ended[index]!);
      const { first: requests, retries, sticky, failures, answered, seconds, timeouts, shed, times } = sums;
      const isAtWork = answered > 0 || timeouts > 0 || shed > 0;
      return {
        server,
        app: plan.app,
        weight,
        ...(isWarming ? { scaled } : {}),
        available,
        ...(cap === undefined ? {} : { cap, inFlight: this.#memory.inFlightAt(plan.capSlots![index]!) }),
        epochRequests: current.first,
        requests,
        retries,
        sticky,
        failures,
        ...(isAtWork ? { work: { answered, seconds, timeouts, shed, ...(isOfMatrix ? { times } : {}) } } : {}),
      };
    });
    return { id: plan.id, epoch: plan.epoch, cells: withShares(cells) };
  }

  /** One for each of its real servers. */
  #endpoint(endpoint: EndpointState): readonly EndpointCounts[] {
    const { slot, address, port, servers } = endpoint;
    const bits = Atomics.load(this.#memory.state.down, slot) & OUT;
    const active = Math.max(0, Atomics.load(this.#memory.state.inflight, slot));
    const isFailing = this.#isFailing(slot);
    const known = this.#endpoints[slot];
    const isKnown =
      known?.endpoint === endpoint &&
      known.bits === bits &&
      known.active === active &&
      known.isFailing === isFailing &&
      known.counts.length === servers.size;
    if (isKnown && this.#isAsBefore(known.counts, servers)) return known.counts;
    const counts = [...servers.keys()].map((server): EndpointCounts => {
      const down = this.#down(server, bits, isFailing);
      const available = down.every((why) => why === FAILING);
      return { server, address, port, active, available, down };
    });
    this.#endpoints[slot] = { endpoint, bits, active, isFailing, counts };
    return counts;
  }

  /** The same real servers, as quiesced as they were. */
  #isAsBefore(counts: readonly EndpointCounts[], servers: EndpointState['servers']): boolean {
    let at = 0;
    for (const key of servers.keys()) {
      const { server, down } = counts[at++]!;
      if (server !== key || this.#isQuiesced(key) !== down.includes(QUIESCED)) return false;
    }
    return true;
  }

  #isQuiesced(server: string): boolean {
    return this.#planner.server(server)?.quiesced === true;
  }

  #down(server: string, bits: number, isFailing: boolean): string[] {
    const down: string[] = [];
    if (bits & DOWN.check) down.push('check');
    if (bits & DOWN.ejected) down.push('ejected');
    // The bit says that all its real servers are quiesced; shown is what this one says.
    if (this.#isQuiesced(server)) down.push(QUIESCED);
    if (isFailing) down.push(FAILING);
    return down;
  }
}

/** A list that is gone through again; where all of it is as before, it is the same one. */
class Again<Item> {
  readonly #before: readonly Item[];
  #same = 0;
  #now: Item[] | null = null;

  constructor(before: readonly Item[]) {
    this.#before = before;
  }

  add(item: Item): void {
    if (this.#now === null && this.#before[this.#same] === item) this.#same++;
    else (this.#now ??= this.#before.slice(0, this.#same)).push(item);
  }

  get list(): readonly Item[] {
    if (this.#now === null && this.#same < this.#before.length) this.#now = this.#before.slice(0, this.#same);
    return this.#now ?? this.#before;
  }
}

interface KnownRow {
  readonly plan: RowPlan;
  /** Of its own counters, and of those of the epochs before that may still be written to. */
  readonly total: number;
  /** At its cells that have a cap. */
  readonly inFlight: number;
  readonly ending: number;
  readonly counts: RowCounts;
}

interface KnownEndpoint {
  /** Another one may have its slot by now. */
  readonly endpoint: EndpointState;
  readonly bits: number;
  readonly active: number;
  readonly isFailing: boolean;
  readonly counts: readonly EndpointCounts[];
}

/** Rows or endpoints that are read between two looks at the time. */
const STEP = 32;
const OUT = DOWN.check | DOWN.ejected;
const QUIESCED = 'quiesced';
const FAILING = 'failing';
