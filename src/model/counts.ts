import type { AnswerTimes } from './answer-times.ts';

/** What a serving process has counted and holds now: the live half of `/v1/status`, `tcpvsadm -L` and the metrics. */
export interface CountsDocument {
  readonly rows: readonly RowCounts[];
  readonly endpoints: readonly EndpointCounts[];
}

export interface RowCounts {
  /** As RowPlan.id. */
  readonly id: string;
  readonly epoch: number;
  readonly cells: readonly CellCounts[];
}

export interface CellCounts {
  /** `namespace/name` */
  readonly server: string;
  readonly app: string | null;
  readonly weight: number;
  /** The weight in this epoch, where endpoints of the row start slowly; absent: `weight`. */
  readonly scaled?: number;
  readonly available: boolean;
  /** Most requests in flight there, over all proxies, and those that are, at this proxy (at all of them, where counts are merged); absent: it has no cap. */
  readonly cap?: number;
  readonly inFlight?: number;
  /** Share by weight, and over what is available: 0 … 1. */
  readonly asked: number;
  readonly askedAvailable: number;
  /** First choices of this epoch, and their share of the row's: 0 … 1, null where there were none. */
  readonly delivered: number | null;
  readonly epochRequests: number;
  /** Since start. */
  readonly requests: number;
  readonly retries: number;
  readonly sticky: number;
  readonly failures: number;
  /** Absent: none of its requests has been answered, timed out or was shed yet. */
  readonly work?: CellWork;
}

/** What became of a cell's requests, since start. */
export interface CellWork {
  /** By its servers, and the seconds between these requests' heads and the ends of their answers, without those in the queue. */
  readonly answered: number;
  readonly seconds: number;
  /** Tries that were not answered in time. */
  readonly timeouts: number;
  /** Requests that no cell of the row could take; they stand at its first cell, whichever that was then. */
  readonly shed: number;
  /** Answers by how long they took; absent: of a rule's own row, of which nobody asks. */
  readonly times?: AnswerTimes;
}

export interface EndpointCounts {
  readonly server: string;
  readonly address: string;
  readonly port: number;
  readonly active: number;
  readonly available: boolean;
  /** Why it is out: `check`, `ejected`, `quiesced`; `failing`: it would be, but half of its row is out already. */
  readonly down: readonly string[];
}
