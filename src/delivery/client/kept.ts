import { chmod, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';

import { z } from 'zod';

import { readBounded, removeLeftovers, writeDurably } from '../../disk/durable-file.ts';
import { makeDirectory } from '../../disk/make-directory.ts';
import { snapshotId } from '../../model/content.ts';
import type { Piece } from '../../model/snapshot.ts';
import type { DeliveryLog } from '../contract.ts';
import { isGenuine, outOfOrder } from '../manifest.ts';
import { FORMAT, keptSchema, type Publication } from '../wire.ts';

const FILE = 'snapshot.json';
const MOST_BYTES = 512 << 20;
/** Milliseconds between two writes: each costs as much as the snapshot is large. */
const PAUSE = 2000;
/** Pieces that are written at once; between them other events have their turn. */
const SLICE = 100;
/** `statfs` of what lives in memory: tmpfs, ramfs. */
const MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

/**
 * The last good snapshot with its keys, in a directory that lives in memory: a proxy that is started again while no
 * controller is reached serves by it. One file, mode 0600, replaced as a whole.
 */
export class Kept {
  readonly #path: string;
  readonly #log: DeliveryLog;
  #next: Publication | null = null;
  #writing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #wrote = -Infinity;

  private constructor(path: string, log: DeliveryLog) {
    this.#path = path;
    this.#log = log;
  }

  /**
   * null: nothing is to be kept there, and why stands in the log: keys on a disk outlive the pod that they were meant for.
   * Errors: a directory that cannot be made or written.
   */
  static async open(directory: string, log: DeliveryLog, isMemory = livesInMemory): Promise<Kept | null> {
    try {
      await makeDirectory(directory, 0o700);
      if (!(await isMemory(directory))) {
        const what =
          'the state directory is not in memory (tmpfs): the last good snapshot, which has keys, is not kept';
        log.error({ directory }, what);
        return null;
      }
      const path = join(directory, FILE);
      await removeLeftovers(path);
      return new Kept(path, log);
    } catch (error) {
      throw new Error(`state directory ${directory}: ${(error as Error).message}`, { cause: error });
    }
  }

  /** null: there is none, or (told in the log) one that is damaged. */
  async read(): Promise<Publication | null> {
    try {
      const text = await readBounded(this.#path, MOST_BYTES);
      if (text === null) return null;
      await chmod(this.#path, 0o600);
      return publicationOf(text);
    } catch (error) {
      // Not with what stands in it: that has keys.
      const why = error instanceof z.ZodError ? 'it is not what was written' : (error as Error).message;
      this.#log.error({ file: this.#path, why: why.slice(0, 200) }, 'the snapshot that was kept cannot be used');
      await unlink(this.#path).catch(() => undefined);
      return null;
    }
  }

  /** Soon; of several that come together only the last one. */
  write(publication: Publication): void {
    this.#next = publication;
    if (this.#writing !== null || this.#timer !== null) return;
    const wait = Math.max(0, this.#wrote + PAUSE - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#writing = this.#write();
    }, wait).unref();
  }

  /** Resolves when what was given last is written. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#writing;
    while (this.#next !== null) await this.#write();
  }

  async #write(): Promise<void> {
    const publication = this.#next;
    this.#next = null;
    if (publication === null) return;
    try {
      await writeDurably(this.#path, textOf(publication));
    } catch (error) {
      this.#log.error({ err: error }, 'the last good snapshot could not be kept');
    }
    this.#wrote = performance.now();
    this.#writing = null;
    if (this.#next !== null) this.write(this.#next);
  }
}

async function livesInMemory(directory: string): Promise<boolean> {
  return MEMORY.has((await statfs(directory)).type);
}

function* textOf({ snapshot, versions, keys }: Publication): Generator<string> {
  const { id, pieces } = snapshot;
  yield `${JSON.stringify({ format: FORMAT, id, versions, keys }).slice(0, -1)},"pieces":[`;
  for (let at = 0; at < pieces.length; at += SLICE) {
    const texts = pieces.slice(at, at + SLICE).map((piece) => JSON.stringify(piece));
    yield `${at === 0 ? '' : ','}${texts.join(',')}`;
  }
  yield ']}\n';
}

/** Errors: for one of another format, a damaged one. */
function publicationOf(text: string): Publication {
  const { format, id, versions, keys, pieces } = keptSchema.parse(JSON.parse(text));
  if (format !== FORMAT) throw new Error(`it has format ${format}, expected ${FORMAT}`);
  const wrong = pieces.find((piece: Piece) => !isGenuine(piece)) ?? outOfOrder(pieces);
  if (wrong !== null || snapshotId(pieces) !== id) throw new Error('it is not what was written');
  return { snapshot: { id, pieces }, versions, keys };
}
