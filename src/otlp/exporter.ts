import { setTimeout as sleep } from 'node:timers/promises';

import type { Span } from '../model/span.ts';
import { backoff } from '../proxy/backoff.ts';
import { RateLimit } from '../telemetry/rate-limit.ts';
import { encodeSpans, type Resource } from './encode.ts';
import { type Outcome, Sender } from './send.ts';

export interface ExporterOptions {
  /** Of a collector, such as `http://collector:4318`. */
  readonly endpoint: URL;
  /** Of each request to it; never logged. */
  readonly headers: Readonly<Record<string, string>>;
  readonly resource: Resource;
  readonly version: string;
  readonly log: { warn(fields: object, message: string): void };
  /** Milliseconds for which spans are gathered. */
  readonly gather?: number;
}

/** Why a span did not arrive: no place for it, not taken by the collector, or given up after several tries. */
export type Loss = 'overflow' | 'refused' | 'unreachable';

const GATHER = 1000;
const MOST_QUEUED = 4096;
const BATCH = 512;
const TRIES = 5;
/** However long a collector asks us to wait: the queue would only overflow. */
const LONGEST_PAUSE = 30_000;

/**
 * Sends spans to a collector, one batch after another. Whoever gives spans never waits: what does not fit into the queue is
 * dropped and counted, as is what the collector does not take.
 */
export class SpanExporter {
  readonly #options: ExporterOptions;
  readonly #sender: Sender;
  readonly #rate = new RateLimit({ burst: 1, interval: 60_000 });
  readonly #lost = new Map<Loss, number>([
    ['overflow', 0],
    ['refused', 0],
    ['unreachable', 0],
  ]);
  #sent = 0;
  #queue: Span[] = [];
  #timer: NodeJS.Timeout | null = null;
  #sending: Promise<void> | null = null;
  readonly #closing = new AbortController();

  constructor(options: ExporterOptions) {
    this.#options = options;
    this.#sender = new Sender(options.endpoint, options.headers);
  }

  get sent(): number {
    return this.#sent;
  }

  get lost(): ReadonlyMap<Loss, number> {
    return this.#lost;
  }

  /** `dropped`: how many were lost before they came here. */
  add(spans: readonly Span[], dropped: number): void {
    const room = MOST_QUEUED - this.#queue.length;
    this.#queue.push(...spans.slice(0, room));
    this.#lose('overflow', dropped + Math.max(0, spans.length - room));
    if (this.#queue.length >= BATCH) this.#send();
    else if (this.#queue.length > 0) this.#timer ??= setTimeout(() => this.#send(), this.#options.gather ?? GATHER);
  }

  /** Sends what there is, within `deadline` milliseconds; what is left then is lost. */
  async close(deadline: number): Promise<void> {
    this.#send();
    const over = sleep(deadline, undefined, { signal: this.#closing.signal }).catch(() => undefined);
    while (this.#sending !== null && (await Promise.race([this.#sending.then(() => true), over])) === true);
    this.#closing.abort();
    this.#sender.close();
    this.#lose('unreachable', this.#queue.splice(0).length);
    await this.#sending;
  }

  #send(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#sending !== null || this.#queue.length === 0 || this.#closing.signal.aborted) return;
    this.#sending = this.#deliver(this.#queue.splice(0, BATCH)).finally(() => {
      this.#sending = null;
      if (this.#queue.length > 0) this.#send();
    });
  }

  async #deliver(spans: readonly Span[]): Promise<void> {
    const { resource, version } = this.#options;
    const body = encodeSpans(spans, resource, version);
    for (let tries = 1; ; tries++) {
      const outcome = await this.#sender.send(body);
      if (outcome.kind === 'taken') {
        this.#sent += spans.length - outcome.rejected;
        if (outcome.rejected > 0) this.#give('refused', outcome.rejected, outcome.why);
        return;
      }
      if (outcome.kind === 'refused') return this.#give('refused', spans.length, outcome.why);
      if (tries === TRIES || this.#closing.signal.aborted) return this.#give('unreachable', spans.length, outcome.why);
      await this.#pause(outcome, tries);
    }
  }

  async #pause({ after }: Extract<Outcome, { kind: 'later' }>, tries: number): Promise<void> {
    const { signal } = this.#closing;
    await sleep(Math.min(LONGEST_PAUSE, Math.max(after, backoff(tries))), undefined, { signal }).catch(() => undefined);
  }

  #give(why: Loss, spans: number, what: string): void {
    this.#lose(why, spans);
    const before = this.#rate.take(why);
    if (before === null) return;
    const endpoint = this.#options.endpoint.host;
    this.#options.log.warn({ endpoint, spans, before }, `spans are lost: ${what}`);
  }

  #lose(why: Loss, spans: number): void {
    this.#lost.set(why, this.#lost.get(why)! + spans);
  }
}
