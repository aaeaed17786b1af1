import type { Snapshot } from '../../model/snapshot.ts';
import type { Programmed, Serving } from '../../proxy/serving-contract.ts';
import { APPLY_BOUNDS, Histogram } from '../../telemetry/histogram.ts';
import type { DeliveryLog, ReplicaProgrammed } from '../contract.ts';
import { keysId } from '../keys.ts';
import type { Versions } from '../versions.ts';
import type { Publication } from '../wire.ts';
import { Following, type Offer, type Verdict } from './follow.ts';
import type { Kept } from './kept.ts';

export interface InForceOptions {
  readonly serving: Pick<Serving, 'configure' | 'setCookieKeys' | 'setTicketKeys'>;
  readonly kept: Kept | null;
  readonly log: DeliveryLog;
  /** Whether a controller replica answers now. */
  readonly isReached: (server: string) => boolean;
  /** Called once, when the first snapshot is in force. */
  readonly onFirst: () => void;
  /** Something else is in force: who waited for that need not wait any more. */
  readonly onTaken: () => void;
  /** What is programmed is not what it was, though no replica has offered anything. */
  readonly onProgrammed: () => void;
}

/** Stands for the replica that a kept snapshot came from: nobody waits for it. */
const NOBODY = '';
/** How often ports that were taken are looked at: the proxy itself tries them every second. */
const LOOK = 2000;

/** What the proxy serves. Changes are put in force one after the other. */
export class InForce {
  readonly #options: InForceOptions;
  readonly #following = new Following();
  readonly #timer: NodeJS.Timeout;
  readonly applyDuration = new Histogram(APPLY_BOUNDS);
  readonly propagation = new Histogram(APPLY_BOUNDS);
  #snapshot: Snapshot | null = null;
  #programmed: ReplicaProgrammed | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  generation = 0;
  /** Seconds since 1970. */
  appliedAt: number | null = null;

  constructor(options: InForceOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), LOOK).unref();
  }

  /** The one that was received last; served, unless `programmed` has an error. */
  get snapshot(): Snapshot | null {
    return this.#snapshot;
  }

  get programmed(): ReplicaProgrammed | null {
    return this.#programmed;
  }

  get keys(): string | null {
    return this.#following.current?.keys ?? null;
  }

  get versions(): Versions {
    return this.#following.current?.versions ?? {};
  }

  get dissenters(): number {
    return this.#following.dissenters;
  }

  /** Whether to go on with what a manifest announces. Where it is known, its versions are by now. */
  judge(offer: Offer): Verdict {
    const verdict = this.#following.judge(offer, this.#options.isReached, performance.now());
    if (verdict.kind === 'known') this.#following.accept(offer);
    return verdict;
  }

  /** A replica has nothing to offer beside what is in force. */
  agreed(server: string): void {
    this.#following.agreed(server);
  }

  /** Resolves when it is in force, or when it is clear that it will not be. Never rejects. */
  take(server: string, publication: Publication, received: number): Promise<Verdict> {
    return this.#inTurn(() => this.#take(server, publication, received));
  }

  /** What was kept from before, unless there is something else by now. */
  async restore(publication: Publication): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#snapshot === null) await this.#take(NOBODY, publication, performance.now());
    });
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #take(server: string, publication: Publication, received: number): Promise<Verdict> {
    const { snapshot, versions, keys } = publication;
    const offer: Offer = { server, id: snapshot.id, versions, keys: keysId(keys) };
    const verdict = this.judge(offer);
    if (verdict.kind !== 'take') return verdict;
    const { serving, kept } = this.#options;
    if (offer.keys !== this.keys) {
      serving.setCookieKeys(keys.cookies);
      serving.setTicketKeys(keys.tickets);
    }
    if (snapshot.id !== this.#snapshot?.id) await this.#configure(snapshot, received);
    this.#following.accept(offer);
    if (this.#programmed?.error === undefined) kept?.write(publication);
    this.#options.onTaken();
    return verdict;
  }

  async #configure(snapshot: Snapshot, received: number): Promise<void> {
    const { log } = this.#options;
    const { milliseconds, ...programmed } = await this.#program(snapshot);
    this.#snapshot = snapshot;
    this.#programmed = programmed;
    this.applyDuration.observe(milliseconds / 1000);
    if (programmed.error !== undefined) {
      log.error({ snapshot: snapshot.id, why: programmed.error }, 'a snapshot is not in force');
      return;
    }
    this.generation++;
    this.appliedAt = Date.now() / 1000;
    const all = performance.now() - received;
    this.propagation.observe(all / 1000);
    const fields = { snapshot: snapshot.id, generation: this.generation, milliseconds: Math.round(all) };
    if (this.generation > 1) {
      log.debug(fields, 'a snapshot is in force');
      return;
    }
    log.info(fields, 'the first snapshot is in force');
    this.#options.onFirst();
  }

  async #program(snapshot: Snapshot): Promise<Programmed> {
    try {
      return await this.#options.serving.configure(snapshot);
    } catch (error) {
      // A fault of ours; what was served is served on.
      this.#options.log.error({ err: error, snapshot: snapshot.id }, 'a snapshot could not be put in force');
      const { snapshot: before = '', listeners = [] } = this.#programmed ?? {};
      return { snapshot: before, listeners, milliseconds: 0, error: `internal error: ${(error as Error).message}` };
    }
  }

  /** A port that was taken may be free now: asking for the same snapshot tells what became of it. */
  #look(): void {
    if (this.#programmed?.listeners.some(({ error }) => error !== null) !== true) return;
    void this.#inTurn(async () => {
      const snapshot = this.#snapshot;
      if (snapshot === null || this.#programmed?.error !== undefined) return;
      const { milliseconds: _, ...programmed } = await this.#program(snapshot);
      if (JSON.stringify(programmed) === JSON.stringify(this.#programmed)) return;
      this.#programmed = programmed;
      this.#options.onProgrammed();
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    // What fails in one turn does not end the queue.
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}
