import { readFile, stat } from 'node:fs/promises';

/** Larger is neither a token nor a bundle. */
const MOST_BYTES = 1 << 20;

/**
 * A file that others replace (a kubelet does it by swapping a link): read again when it is another one. Asked before every
 * use, so there is nothing to watch; a `stat` in memory costs microseconds.
 */
export class FreshFile {
  readonly #path: string;
  readonly #what: string;
  #identity = '';
  #text = '';

  constructor(path: string, what: string) {
    this.#path = path;
    this.#what = what;
  }

  /** Without white space around it. Errors: a message for people, that never has the content. */
  async text(): Promise<string> {
    try {
      const { dev, ino, mtimeMs, ctimeMs, size } = await stat(this.#path);
      const identity = `${dev} ${ino} ${mtimeMs} ${ctimeMs} ${size}`;
      if (identity === this.#identity) return this.#text;
      if (size > MOST_BYTES) throw new Error(`${size} bytes, more than the ${MOST_BYTES} that are read`);
      const text = (await readFile(this.#path, 'utf8')).trim();
      if (text === '') throw new Error('it is empty');
      this.#identity = identity;
      this.#text = text;
      return text;
    } catch (error) {
      throw new Error(`${this.#what} ${this.#path}: ${(error as Error).message}`, { cause: error });
    }
  }
}
