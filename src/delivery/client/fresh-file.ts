import { readFile, stat } from 'node:fs/promises';

/** Larger is neither a token nor a bundle. */
const MOST_BYTES = 1 << 20;

/** Milliseconds between two looks. Who replaces a token or a bundle leaves hours in which both are good. */
const LOOK = 1000;

/**
 * A file that others replace (a kubelet does it by swapping a link): read again when it is another one. Asked before every
 * use, so there is nothing to watch; but an acknowledgement does not wait for the disk.
 */
export class FreshFile {
  readonly #path: string;
  readonly #what: string;
  #identity = '';
  #text = '';
  #lookedAt = -Infinity;

  readonly #now: () => number;

  /** `now`: milliseconds by a clock that never goes back. */
  constructor(path: string, what: string, now = () => performance.now()) {
    this.#path = path;
    this.#what = what;
    this.#now = now;
  }

  /** It was not good enough for the other side: the next use looks for another one. */
  suspect(): void {
    this.#lookedAt = -Infinity;
  }

  /** Without white space around it. Errors: a message for people, that never has the content. */
  async text(): Promise<string> {
    if (this.#now() - this.#lookedAt < LOOK) return this.#text;
    try {
      const { dev, ino, mtimeMs, ctimeMs, size } = await stat(this.#path);
      const identity = `${dev} ${ino} ${mtimeMs} ${ctimeMs} ${size}`;
      if (identity === this.#identity) {
        this.#lookedAt = this.#now();
        return this.#text;
      }
      if (size > MOST_BYTES) throw new Error(`${size} bytes, more than the ${MOST_BYTES} that are read`);
      const text = (await readFile(this.#path, 'utf8')).trim();
      if (text === '') throw new Error('it is empty');
      this.#identity = identity;
      this.#text = text;
      this.#lookedAt = this.#now();
      return text;
    } catch (error) {
      throw new Error(`${this.#what} ${this.#path}: ${(error as Error).message}`, { cause: error });
    }
  }
}
