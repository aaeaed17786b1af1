/** What is known of the apps of matrices: how much is asked of them, and what a request takes. */
import type { ObjectKey } from './snapshot.ts';

export interface ProfilesDocument {
  /** Seconds since 1970. */
  readonly at: number;
  readonly matrices: readonly MatrixProfile[];
}

export interface MatrixProfile {
  readonly matrix: ObjectKey;
  /** In the order of the object's apps. */
  readonly apps: readonly AppProfile[];
  /** Of workloads whose use is measured; absent: nobody measures it. */
  readonly workloads?: readonly WorkloadProfile[];
}

/** By resource. */
export type Figures = Readonly<Record<string, Figure>>;

export interface WorkloadProfile {
  readonly workload: string;
  /** What an instance uses per second that answers nothing. */
  readonly idle: Figures;
  /** Part of a request's cost that each further request in flight at its server adds. */
  readonly growth: Figures;
  readonly conflicts: readonly Conflict[];
  /** Most requests in flight at a server that it has been seen with, of late: what the factors of its neighbours are for. */
  readonly busiest: number;
}

/** Part of a request's cost that a neighbour, as busy as it has ever been, adds. */
export interface Conflict {
  readonly with: string;
  readonly resource: string;
  readonly factor: Figure;
}

export interface AppProfile {
  readonly app: string;
  /** Arrivals per second; those that were shed and that failed are among them. */
  readonly demand: Figure;
  /** Of one request, by resource: core-seconds, bytes; what is known. Learned: as things are, beside the neighbours it has. */
  readonly cost: Figures;
  /** The same with nothing else in flight at its server, to be taken together with `growth` and conflicts; absent: not learned. */
  readonly alone?: Figures;
  /** Seconds from the head of a request to the end of its answer; null: nothing is known. */
  readonly seconds: Figure | null;
  /** Part of the tries that failed (5xx, broken off, refused, late), of late. */
  readonly failures: number;
  readonly concurrency: Concurrency | null;
  /** None where nobody asked for them. */
  readonly cells: readonly CellProfile[];
}

export interface CellProfile {
  readonly server: ObjectKey;
  readonly seconds: Figure | null;
  readonly concurrency: Concurrency | null;
}

/** How the throughput of an endpoint follows the number of requests in flight there. */
export interface Concurrency {
  /** Mean number in flight, while there was any. */
  readonly inflight: number;
  /** The number in flight that is planned with: the peak where it is known. */
  readonly limit: Figure;
  /** Throughput rises up to `limit` and not beyond it; false: it was not seen to stop rising. */
  readonly peaked: boolean;
  /** Seconds per request with n in flight = c0 + c1 m + c2 m², m = n − knee, 0 below it; 0: there is no knee. */
  readonly knee: number;
  readonly coefficients: readonly [number, number, number];
  /** The numbers in flight that were seen often enough, and, of these, those at which throughput is known to a tenth; null: at none. */
  readonly seen: LevelRange;
  readonly known: LevelRange | null;
}

/** Numbers in flight: from … to. */
export interface LevelRange {
  readonly lowest: number;
  readonly highest: number;
}

/** A number, and how far it may be trusted. */
export interface Figure {
  readonly value: number;
  /** `given` in the object's spec, `learned` from measurements, `default`: taken from what is like it. */
  readonly source: 'default' | 'given' | 'learned';
  /** What it was learned from: requests, or windows of a second. 0 for what was not learned. */
  readonly count: number;
  /** Standard error of `value`. */
  readonly error: number;
  /** What `value` exceeds with a probability of a fifth: what is planned with where more is worse. */
  readonly upper: number;
  /** Seconds since the last measurement; null: there was none. */
  readonly age: number | null;
}
