import type { CountsDocument } from '../../model/counts.ts';
import { hadUpTo, type SampledWindow } from '../../model/samples.ts';
import type { ReplicaProgrammed } from '../contract.ts';
import { diffCounts, NO_COUNTS } from '../reports.ts';
import { windowReport } from '../sample-reports.ts';
import { type KnownPriors, parseBody, reportAnswerSchema, type ReportRequest } from '../wire.ts';
import type { Answer } from './connection.ts';

/** Of priors of which none are known. */
const NONE = '0'.repeat(16);

/** What one controller replica is told of counts and health: what is not as it was, when it wants to hear it. */
export class Reporting {
  readonly #post: (body: string) => Promise<Answer>;
  #reported: CountsDocument = NO_COUNTS;
  #sequence = 0;
  /** The last report that it has; 0: it has none, or not what we think. */
  #base = 0;
  #next = 0;
  #running = false;
  /** The last window of samples that it was sent. */
  #window = -1;
  #replicas: number | null = null;
  #priors: KnownPriors | null = null;
  /** Has changed without a sync, and is to be told. */
  #programmed: ReplicaProgrammed | null = null;

  constructor(post: (body: string) => Promise<Answer>) {
    this.#post = post;
  }

  /** How many proxies it knows, as it said last; null: it has not said. */
  get replicas(): number | null {
    return this.#replicas;
  }

  /** Priors of adaptive limits, as it said last; null: it has not said. */
  get priors(): KnownPriors | null {
    return this.#priors;
  }

  isDue(now: number): boolean {
    return !this.#running && (now >= this.#next || this.#programmed !== null);
  }

  /** It is another process, or may have missed something: it is told everything again. */
  reset(): void {
    this.#reported = NO_COUNTS;
    this.#base = 0;
    this.#next = 0;
  }

  /** With the next report, which is due at once. */
  acknowledge(programmed: ReplicaProgrammed | null): void {
    this.#programmed = programmed;
  }

  /** One at a time (`isDue`). Errors: those of `post`; then the next report has everything. */
  async send(counts: CountsDocument, windows: readonly SampledWindow[]): Promise<void> {
    const parts = diffCounts(this.#reported, counts);
    const more = this.#more(windows);
    if (more !== null && parts.length === 0) parts.push({ rows: [], rowsGone: [], endpoints: [], endpointsGone: [] });
    if (parts.length === 0) return;
    this.#running = true;
    try {
      let pause = 0;
      for (const [index, part] of parts.entries()) {
        const own = index === 0 ? { ...more, now: Date.now(), priors: this.#priors?.id ?? NONE } : {};
        const request: ReportRequest = { sequence: ++this.#sequence, base: this.#base, ...part, ...own };
        const { status, body } = await this.#post(JSON.stringify(request));
        if (status === 409) return this.reset();
        if (status !== 200) throw new Error(`report: answered ${status} ${body.toString().slice(0, 200)}`);
        this.#base = this.#sequence;
        const { next, replicas, priors } = parseBody(reportAnswerSchema, body);
        pause += next;
        this.#priors = priors ?? this.#priors;
        if (replicas !== undefined) this.#replicas = replicas;
      }
      this.#reported = counts;
      this.#next = performance.now() + pause;
    } catch (error) {
      this.reset();
      throw error;
    } finally {
      this.#running = false;
    }
  }

  /** What goes with the first part, and is not asked for again: a window that is lost is one of many. Null: nothing. */
  #more(windows: readonly SampledWindow[]): Pick<ReportRequest, 'programmed' | 'samples'> | null {
    const programmed = this.#programmed;
    const newest = windows.at(-1)?.number ?? this.#window;
    const had = hadUpTo(this.#window, newest);
    const fresh = windows.filter(({ number }) => number > had);
    this.#programmed = null;
    this.#window = newest;
    if (programmed === null && fresh.length === 0) return null;
    return {
      ...(programmed === null ? {} : { programmed: asSent(programmed) }),
      ...(fresh.length === 0 ? {} : { samples: fresh.map(windowReport) }),
    };
  }
}

/** What is read has lists that may be changed. */
export const asSent = (programmed: ReplicaProgrammed): NonNullable<ReportRequest['programmed']> => ({
  ...programmed,
  listeners: [...programmed.listeners],
});
