/** Looks at the endpoints of matrices at the instants of model/samples.ts, and keeps what it saw for whoever asks. */
import type { RowPlan } from '../../model/plan.ts';
import { APART, followedBy, INSTANTS, MOST_AT_ONCE, type SampledWindow, WINDOW_EVERY } from '../../model/samples.ts';
import { type ChosenEndpoint, chooseEndpoints } from './sampled-endpoints.ts';

export interface SamplerOptions {
  readonly rows: () => Iterable<RowPlan>;
  /** Endpoints of a window. */
  readonly most: () => number;
  /** By slot of an endpoint: requests in flight there, and those that were answered since it got the slot. */
  readonly inFlight: (slot: number) => number;
  readonly answers: (slot: number) => number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Milliseconds: whoever comes later than this to an instant has missed it. */
const LATE = 2;
/** Windows that are kept: those of a time in which whoever asks for them has asked. */
const KEPT = 8;

export class Sampler {
  readonly #options: SamplerOptions;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | null = null;
  #running: RunningWindow | null = null;
  #windows: readonly SampledWindow[] = [];

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Those that are over, oldest first. */
  get windows(): readonly SampledWindow[] {
    return this.#windows;
  }

  start(): void {
    this.#wait();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** For the next window, or, in one, for its next instant. */
  #wait(): void {
    const now = this.#now();
    // A clock that was put back ends what it would come to again.
    if (this.#running !== null && this.#running.next - now > APART) this.#running = null;
    const next = this.#running?.next ?? (Math.floor(now / WINDOW_EVERY) + 1) * WINDOW_EVERY;
    this.#timer = setTimeout(() => this.#look(next), Math.max(0, next - now)).unref();
  }

  #look(due: number): void {
    const now = this.#now();
    // A timer may come a moment early.
    if (now >= due) {
      this.#running ??= this.#begin(due);
      if (this.#running?.look(now) === false) {
        this.#windows = followedBy(this.#windows, [this.#running.result()], KEPT);
        this.#running = null;
      }
    }
    this.#wait();
  }

  /** Null: there is nothing to look at. */
  #begin(start: number): RunningWindow | null {
    const number = start / WINDOW_EVERY;
    const { rows, most } = this.#options;
    const chosen = chooseEndpoints(rows(), number, most());
    return chosen.length === 0 ? null : new RunningWindow(number, chosen, this.#options);
  }
}

class RunningWindow {
  readonly #number: number;
  readonly #start: number;
  readonly #endpoints: readonly Watched[];
  readonly #options: SamplerOptions;
  readonly #missed: number[] = [];
  /** Of the instant that is waited for; INSTANTS is the end, at which only answers are read. */
  #instant = 0;

  constructor(number: number, chosen: readonly ChosenEndpoint[], options: SamplerOptions) {
    this.#number = number;
    this.#start = number * WINDOW_EVERY;
    this.#options = options;
    this.#endpoints = chosen.map((endpoint) => ({ endpoint, inFlight: [], answers: [], answered: 0 }));
  }

  /** When the next instant is: milliseconds since 1970. */
  get next(): number {
    return this.#start + this.#instant * APART;
  }

  /** Returns whether there is another instant to come. */
  look(now: number): boolean {
    while (this.#instant <= INSTANTS && now - this.next > LATE) this.#missed.push(this.#instant++);
    if (this.#instant <= INSTANTS && now >= this.next) this.#read();
    return this.#instant <= INSTANTS;
  }

  result(): SampledWindow {
    return {
      number: this.#number,
      missed: this.#missed,
      endpoints: this.#endpoints.map(({ endpoint: { row, server, address, port }, inFlight, answers }) => ({
        row,
        server,
        address,
        port,
        inFlight: withoutZeros(inFlight),
        answers: withoutZeros(answers),
      })),
    };
  }

  #read(): void {
    const at = this.#instant++;
    for (const watched of this.#endpoints) {
      const { slot } = watched.endpoint;
      const answered = this.#options.answers(slot);
      // Where the instant before was missed, it is of more than one, and nobody reads it.
      if (at > 0) put(watched.answers, at - 1, answered - watched.answered);
      watched.answered = answered;
      if (at < INSTANTS) put(watched.inFlight, at, this.#options.inFlight(slot));
    }
  }
}

interface Watched {
  readonly endpoint: ChosenEndpoint;
  readonly inFlight: number[];
  readonly answers: number[];
  /** At the last look. */
  answered: number;
}

/** What is less than 0 is of another endpoint that has got the slot. */
function put(values: number[], at: number, value: number): void {
  while (values.length < at) values.push(0);
  values.push(Math.min(MOST_AT_ONCE, Math.max(0, value)));
}

function withoutZeros(values: readonly number[]): number[] {
  let end = values.length;
  while (end > 0 && values[end - 1] === 0) end--;
  return values.slice(0, end);
}
