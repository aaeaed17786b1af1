import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { parsePolicy } from '../api/policy.ts';
import type { Log } from '../telemetry/log.ts';
import { openPolicy, type Policy } from '../translate/cluster-facts.ts';

export interface PolicyFileOptions {
  /** null: no policy. */
  readonly path: string | null;
  readonly onChange: (received: number) => void;
  readonly log: Log;
  /** For how long a text must stay the same before it is believed, in ms. */
  readonly settle?: number;
}

const SETTLE = 50;

/** For what events do not tell. */
const RESCAN = 10_000;

/**
 * The installation's policy, watched: a ConfigMap that is mounted changes by a link in its directory, but a file may be
 * written in place, and half a policy may allow what the whole one does not: a text is believed when it was read twice. A
 * file that is faulty changes nothing; at the start, nothing is served before there is a good one.
 */
export class PolicyFile {
  readonly #options: PolicyFileOptions;
  /** Of the policy in force; null: the file is faulty, and whatever comes is looked at. */
  #text: string | null = null;
  #policy: Policy | null = null;
  #fault: string | null = null;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | null = null;
  #reading: Promise<void> | null = null;
  #again = false;
  #closed = false;

  constructor(options: PolicyFileOptions) {
    this.#options = options;
    if (options.path === null) this.#policy = openPolicy;
  }

  async start(): Promise<void> {
    const { path } = this.#options;
    if (path === null) return;
    await this.#look();
    this.#timer = setInterval(() => void this.#look(), RESCAN).unref();
    try {
      this.#watcher = watch(dirname(path), { persistent: false }, () => void this.#look());
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // The directory is not there; the rescan finds it, only later.
    }
  }

  close(): void {
    this.#closed = true;
    this.#watcher?.close();
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** null: there is none yet, and so nothing may be served. */
  get policy(): Policy | null {
    return this.#policy;
  }

  /** What is wrong with the file now. */
  get fault(): string | null {
    return this.#fault;
  }

  /** One after the other, so that what was read last is what was written last. */
  #look(): Promise<void> {
    if (this.#reading !== null) this.#again = true;
    return (this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
      if (!this.#again) return;
      this.#again = false;
      void this.#look();
    }));
  }

  async #read(): Promise<void> {
    const { path, onChange, log } = this.#options;
    if (path === null) return;
    const received = performance.now();
    try {
      const text = await this.#settled(path);
      if (text === null) return;
      this.#policy = parsePolicy(text);
      this.#text = text;
      this.#fault = null;
      log.info('the policy is in force');
      onChange(received);
    } catch (error) {
      this.#text = null;
      const fault = `--policy ${path}: ${(error as Error).message}`;
      if (fault === this.#fault) return;
      this.#fault = fault;
      log.error(this.#policy === null ? fault : `${fault}; the policy of before stays in force`);
    }
  }

  /** null: as before. */
  async #settled(path: string): Promise<string | null> {
    let text = await readFile(path, 'utf8');
    while (text !== this.#text && !this.#closed) {
      await sleep(this.#options.settle ?? SETTLE, undefined, { ref: false });
      const again = await readFile(path, 'utf8');
      if (again === text) return text;
      text = again;
    }
    return null;
  }
}
