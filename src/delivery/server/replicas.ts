import { followedBy, type SampledWindow } from '../../model/samples.ts';
import type { DeliveryLog, News, ReplicaProgrammed, ReplicaState } from '../contract.ts';
import { MergedCounts, reportPause } from '../reports.ts';
import { windowOf } from '../sample-reports.ts';
import { HOLD, type ReportRequest, type SyncRequest } from '../wire.ts';
import { Refused } from './requests.ts';
import type { Identity } from './tokens.ts';

interface Replica {
  readonly identity: Identity;
  version: string;
  have: string | null;
  programmed: ReplicaProgrammed | null;
  /** The same, as text. */
  said: string;
  lastContact: number;
  /** Number of the last report. */
  sequence: number;
  readonly counts: MergedCounts;
  samples: readonly SampledWindow[];
  /** Of its last reports, as ReplicaState.behind. */
  behind: readonly number[];
}

/** Milliseconds of silence after which a proxy is forgotten; one that lives asks every 25 s. */
const SILENCE = 120_000;
/** Milliseconds of silence after which it is not counted among those that share a rate limit. */
const LIVE = HOLD + 10_000;
const MOST = 20_000;
/** Cells and endpoints that one proxy may report: as many as it has places for. */
const MOST_COUNTS = 400_000;
/** Windows of samples of one proxy that are kept: of fifty seconds, for proxies report up to half a minute apart. */
const WINDOWS = 10;
/** Reports whose delay is looked at: one of them will have come at once. */
const DELAYS = 16;

/** What is known of each proxy, by the uid of its pod. */
export class Replicas {
  readonly #replicas = new Map<string, Replica>();
  readonly #acknowledged: Told<ReplicaState>;
  readonly #reported: Told<News>;

  constructor(log: DeliveryLog) {
    this.#acknowledged = new Told(log, 'an acknowledgement could not be taken up');
    this.#reported = new Told(log, 'a report could not be taken up');
  }

  get size(): number {
    return this.#replicas.size;
  }

  /** Those that are heard of as a proxy is that lives. */
  get live(): number {
    const now = performance.now();
    let count = 0;
    for (const { lastContact } of this.#replicas.values()) if (now - lastContact < LIVE) count++;
    return count;
  }

  all(): ReadonlyMap<string, ReplicaState> {
    this.#forget();
    return new Map([...this.#replicas].map(([uid, replica]) => [uid, stateOf(replica)]));
  }

  onAcknowledge(listener: (replica: ReplicaState) => void): () => void {
    return this.#acknowledged.add(listener);
  }

  onReport(listener: (news: News) => void): () => void {
    return this.#reported.add(listener);
  }

  /** Errors: Refused, where there are more than can be. */
  sync(identity: Identity, { version, have, programmed }: SyncRequest): void {
    const replica = this.#contact(identity);
    replica.version = version;
    replica.have = have;
    this.#programmed(replica, programmed);
  }

  /**
   * Milliseconds after which the next report is welcome; null: this one adds to something that is not known here, and
   * everything is to be sent anew. Errors: Refused.
   */
  report(identity: Identity, report: ReportRequest, bytes: number): number | null {
    const replica = this.#contact(identity);
    if (report.programmed !== undefined) this.#programmed(replica, report.programmed);
    if (report.base === 0) replica.counts.clear();
    else if (report.base !== replica.sequence) return null;
    this.#sampled(replica, report);
    const news = replica.counts.merge(report);
    replica.sequence = report.sequence;
    if (replica.counts.size > MOST_COUNTS) {
      replica.counts.clear();
      replica.sequence = 0;
      throw new Refused(400, 'body', `rows: more than ${MOST_COUNTS} cells and endpoints in all`);
    }
    // What is sent anew may lack what was known before.
    this.#reported.tell(report.base === 0 ? 'Health' : news);
    return reportPause(bytes, this.#replicas.size);
  }

  #contact(identity: Identity): Replica {
    let replica = this.#replicas.get(identity.podUid);
    if (replica === undefined) {
      if (this.#replicas.size >= MOST) this.#forget();
      if (this.#replicas.size >= MOST) throw new Refused(503, 'busy', `${MOST} proxies are known already`);
      const counts = new MergedCounts();
      replica = {
        identity,
        version: '',
        have: null,
        programmed: null,
        said: 'null',
        lastContact: 0,
        sequence: 0,
        counts,
        samples: [],
        behind: [],
      };
      this.#replicas.set(identity.podUid, replica);
    }
    replica.lastContact = performance.now();
    return replica;
  }

  #sampled(replica: Replica, { samples = [], now }: ReportRequest): void {
    if (now !== undefined) replica.behind = [...replica.behind, Date.now() - now].slice(-DELAYS);
    replica.samples = followedBy(replica.samples, samples.map(windowOf), WINDOWS);
  }

  #programmed(replica: Replica, programmed: ReplicaProgrammed | null): void {
    const said = JSON.stringify(programmed);
    if (said === replica.said) return;
    replica.said = said;
    replica.programmed = programmed;
    this.#acknowledged.tell(stateOf(replica));
  }

  #forget(): void {
    const now = performance.now();
    for (const [uid, { lastContact }] of this.#replicas) if (now - lastContact > SILENCE) this.#replicas.delete(uid);
  }
}

/** Listeners; what one of them throws is logged, and no other misses anything for it. */
class Told<T> {
  readonly #log: DeliveryLog;
  readonly #fault: string;
  readonly #listeners = new Set<(news: T) => void>();

  constructor(log: DeliveryLog, fault: string) {
    this.#log = log;
    this.#fault = fault;
  }

  /** Returns how to end it. */
  add(listener: (news: T) => void): () => void {
    // A function of its own, so that one that is given twice is called twice, and ended apart.
    const own = (news: T) => listener(news);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  tell(news: T): void {
    for (const listener of this.#listeners) {
      try {
        listener(news);
      } catch (error) {
        this.#log.error({ err: error }, this.#fault);
      }
    }
  }
}

const stateOf = ({
  identity,
  version,
  have,
  programmed,
  counts,
  samples,
  behind,
  lastContact,
}: Replica): ReplicaState => ({
  uid: identity.podUid,
  name: identity.podName,
  version,
  have,
  programmed,
  counts: counts.document,
  samples,
  behind: behind.length === 0 ? null : Math.min(...behind),
  lastContact,
});
