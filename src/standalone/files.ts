import { hash } from 'node:crypto';

import type { TlsSecret } from '../translate/cluster-state.ts';
import { type FileStamp, listFiles, type Listing } from './listing.ts';
import type { Fault, FileObject, ParsedFile, ParseFile } from './objects.ts';
import { messageOf, readText } from './read-text.ts';

export interface FilesState {
  /** Last good objects of every file that is there, in order of paths. */
  readonly good: ReadonlyMap<string, readonly FileObject[]>;
  readonly secrets: ReadonlyMap<string, TlsSecret>;
  /** What is wrong now, of all files. */
  readonly faults: readonly Fault[];
  /** Files that were read again because they are, or may be, others than before. */
  readonly read: readonly string[];
  /** Milliseconds until a file that was emptied is believed (its objects stay until then); null: there is none. */
  readonly settlesIn: number | null;
  /** Directories to watch; empty where the path is a file or has never been there. */
  readonly directories: Listing['directories'];
}

type Secrets = NonNullable<ParsedFile['secrets']>;

interface CachedFile {
  readonly identity: string;
  /** Read so soon after its last change that another one could have left the same stamp. */
  readonly fresh: boolean;
  /** Of the text; the text itself would double what a configuration takes. */
  readonly digest: string | null;
  /** When it was found to be empty, though it had not been; −Infinity where there is something in it. */
  readonly emptiedAt: number;
  readonly parsed: ParsedFile;
}

const MAX_FILE_BYTES = 32 << 20;
/** Clocks of file systems tick in milliseconds (jiffies); a stamp younger than this is not trusted, the file read again. */
const FRESH_MS = 100;
/**
 * How long a file must be empty to be believed: nobody removes objects so, but many programs empty a file before they fill it,
 * and on a busy machine they are held up in between.
 */
const EMPTYING_SETTLES = 1000;

/** The files below a path with their objects; a faulty file keeps the objects that it last had without a fault. */
export class ConfigFiles {
  readonly #root: string;
  readonly #parse: ParseFile;
  readonly #cache = new Map<string, CachedFile>();
  #good: ReadonlyMap<string, readonly FileObject[]>;
  #secrets: ReadonlyMap<string, Secrets> = new Map();
  /** As they were listed last: what is wrong with the path may be mended in one of them. */
  #directories: Listing['directories'] = new Map();

  /** `good`: last good objects from the state directory. */
  constructor(root: string, parse: ParseFile, good: ReadonlyMap<string, readonly FileObject[]> = new Map()) {
    this.#root = root;
    this.#parse = parse;
    this.#good = good;
  }

  /** Looks at all files, reads those that changed (with `all`: every one). Never rejects. */
  async load(all = false): Promise<FilesState> {
    // What is found was so at some time since: on a busy machine a look may take longer than what it waits for.
    const began = performance.now();
    let listing: Listing;
    try {
      listing = await listFiles(this.#root);
    } catch (error) {
      // What cannot be looked at changes nothing: an unmounted volume must not empty the configuration.
      const fault = { file: this.#root, line: null, column: null, message: messageOf(error) };
      const known = { good: this.#good, secrets: this.#allSecrets() };
      return { ...known, faults: [fault], read: [], settlesIn: null, directories: this.#directories };
    }
    const good = new Map<string, readonly FileObject[]>();
    const secrets = new Map<string, Secrets>();
    const faults: Fault[] = [];
    const read: string[] = [];
    let settlesIn: number | null = null;
    for (const [name, stamp] of listing.files) {
      const before = all ? undefined : this.#cache.get(name);
      const cached = before?.identity === stamp.identity && !before.fresh ? before : await this.#read(stamp, before);
      if (cached !== before && cached.parsed !== before?.parsed) read.push(name);
      this.#cache.set(name, cached);
      faults.push(...cached.parsed.faults);
      const believedFrom = cached.emptiedAt + EMPTYING_SETTLES;
      if (began < believedFrom) settlesIn = Math.max(settlesIn ?? 0, believedFrom - performance.now());
      const well = cached.parsed.faults.length === 0 && began >= believedFrom;
      const kept = well ? cached.parsed.objects : this.#good.get(name);
      if (kept !== undefined) good.set(name, kept);
      secrets.set(name, well ? (cached.parsed.secrets ?? []) : (this.#secrets.get(name) ?? []));
    }
    for (const name of this.#cache.keys()) if (!listing.files.has(name)) this.#cache.delete(name);
    this.#good = good;
    this.#secrets = secrets;
    this.#directories = listing.directories;
    return { good, secrets: this.#allSecrets(), faults, read, settlesIn, directories: listing.directories };
  }

  #allSecrets(): ReadonlyMap<string, TlsSecret> {
    return new Map([...this.#secrets.values()].flat());
  }

  async #read(stamp: FileStamp, before: CachedFile | undefined): Promise<CachedFile> {
    const cached = (digest: string | null, parsed: ParsedFile, emptiedAt = -Infinity) => ({
      identity: stamp.identity,
      fresh: Date.now() - stamp.modified < FRESH_MS,
      digest,
      emptiedAt,
      parsed,
    });
    try {
      const text = await readText(stamp, MAX_FILE_BYTES);
      const digest = hash('sha256', text);
      if (before !== undefined && before.digest === digest) {
        // One that is as empty as it was, but has been written: somebody has filled it, and is about to do so again.
        const isAnew = before.emptiedAt > -Infinity && before.identity !== stamp.identity;
        return cached(digest, before.parsed, isAnew ? performance.now() : before.emptiedAt);
      }
      const isEmptied = before !== undefined && text.trim() === '';
      return cached(digest, this.#parse(text, stamp.path), isEmptied ? performance.now() : -Infinity);
    } catch (error) {
      const fault = { file: stamp.path, line: null, column: null, message: messageOf(error) };
      return cached(null, { objects: [], faults: [fault] });
    }
  }
}
