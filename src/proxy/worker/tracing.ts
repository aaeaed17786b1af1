/** Which requests are traced, and what is told of them. */
import { randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';

import type { RequestHead } from '../../http/request-head.ts';
import type { Span } from '../../model/span.ts';
import type { TracingSettings } from '../messages.ts';
import { Share } from './share.ts';
import { dropContext, parentOf } from './trace-context.ts';

/** A request's place in its trace. */
export interface Trace {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  /** It becomes a span of ours. */
  readonly recorded: boolean;
  /** The field that the server gets, with its CRLF. */
  readonly line: string;
}

/** Spans in one message to the main thread, at most; beyond that they are dropped and counted. */
const MOST_PER_TICK = 256;
const SAMPLED = 1;

export class Tracing {
  readonly #exports: boolean;
  readonly #share: Share;
  readonly #emit: (spans: readonly Span[], dropped: number) => void;
  readonly #ids = Buffer.alloc(4096);
  #used = 4096;
  #spans: Span[] = [];
  #dropped = 0;

  constructor({ share, exports }: TracingSettings, emit: (spans: readonly Span[], dropped: number) => void) {
    this.#exports = exports;
    this.#share = new Share(share);
    this.#emit = emit;
  }

  /**
   * Looks at the request's context and decides; null: it is passed on as it came. `believed`: the peer decides whether its
   * trace is recorded. Anybody else's decision is not followed, since it would let strangers fill our spans; their trace is.
   */
  begin(head: RequestHead, believed: boolean): Trace | null {
    const parent = parentOf(head);
    if (parent === null) return this.#root(head);
    if (!this.#exports) return null;
    const flags = Number.parseInt(parent.flags, 16);
    const recorded = believed ? (flags & SAMPLED) !== 0 : this.#share.take();
    if (!recorded) return null;
    dropContext(head, false);
    const spanId = this.#id(8);
    const line = lineOf(parent.traceId, spanId, flags | SAMPLED);
    return { traceId: parent.traceId, spanId, parentId: parent.spanId, recorded, line };
  }

  /** Where there is no trace, one begins; what was wrong of it goes, with its state. */
  #root(head: RequestHead): Trace {
    dropContext(head, true);
    const sampled = this.#share.take();
    const traceId = this.#id(16);
    const spanId = this.#id(8);
    const line = lineOf(traceId, spanId, sampled ? SAMPLED : 0);
    return { traceId, spanId, parentId: '', recorded: sampled && this.#exports, line };
  }

  /** `milliseconds`: how long it has taken until now. */
  record(
    trace: Trace,
    milliseconds: number,
    of: Omit<Span, 'traceId' | 'spanId' | 'parentId' | 'start' | 'end'>,
  ): void {
    if (this.#spans.length >= MOST_PER_TICK) {
      this.#dropped++;
      return;
    }
    const { traceId, spanId, parentId } = trace;
    const end = performance.timeOrigin + performance.now();
    this.#spans.push({ traceId, spanId, parentId, start: end - milliseconds, end, ...of });
  }

  /** Called by the sweeper. */
  flush(): void {
    if (this.#spans.length === 0 && this.#dropped === 0) return;
    this.#emit(this.#spans, this.#dropped);
    this.#spans = [];
    this.#dropped = 0;
  }

  /** Random bytes as hex, never all 0; from a pool, since asking for them one by one is dear. */
  #id(bytes: number): string {
    for (;;) {
      if (this.#used + bytes > this.#ids.length) {
        randomFillSync(this.#ids);
        this.#used = 0;
      }
      const id = this.#ids.toString('hex', this.#used, (this.#used += bytes));
      if (!/^0+$/.test(id)) return id;
    }
  }
}

function lineOf(traceId: string, spanId: string, flags: number): string {
  return `traceparent: 00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}\r\n`;
}
