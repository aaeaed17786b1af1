/** What workers only count is never silent: now and then a line says of each word how often it happened since the last one. */
export class Reports {
  readonly #options: ReportsOptions;
  readonly #timer: NodeJS.Timeout;
  #before: Readonly<Record<string, number>>;

  constructor(options: ReportsOptions) {
    this.#options = options;
    this.#before = options.read();
    this.#timer = setInterval(() => this.#look(), options.interval);
    this.#timer.unref();
  }

  /** Says what has not been said yet. */
  close(): void {
    clearInterval(this.#timer);
    this.#look();
  }

  #look(): void {
    const now = this.#options.read();
    for (const [word, count] of Object.entries(now)) {
      const more = count - (this.#before[word] ?? 0);
      if (more > 0) this.#options.say(word, more);
    }
    this.#before = now;
  }
}

export interface ReportsOptions {
  /** How often each happened since the start, over all workers. */
  readonly read: () => Readonly<Record<string, number>>;
  readonly say: (word: string, times: number) => void;
  /** Milliseconds between two looks. */
  readonly interval: number;
}
