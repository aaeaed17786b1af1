import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';

/**
 * Says when something below a path may have changed. Directories are watched, not files (an atomic rename puts another
 * file in the place), and the path's parent too, for a path that is itself renamed or a link that is pointed elsewhere.
 * A tick every `rescan` ms covers what events do not tell: network file systems, links further up, lost events.
 */
export class PathWatch {
  readonly #root: string;
  readonly #onEvent: () => void;
  readonly #onError: (message: string) => void;
  readonly #watchers = new Map<string, { identity: string; watcher: FSWatcher }>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: {
    readonly root: string;
    readonly rescan: number;
    /** Something changed, or time for a look (`tick`). */
    readonly onEvent: (tick: boolean) => void;
    readonly onError: (message: string) => void;
  }) {
    this.#root = resolve(options.root);
    this.#onEvent = () => options.onEvent(false);
    this.#onError = options.onError;
    this.#timer = setInterval(() => options.onEvent(true), options.rescan).unref();
    this.update(new Map());
  }

  /**
   * Directories with their identities (`Listing.directories`): one that was replaced is watched anew. `others`: those of files
   * elsewhere.
   */
  update(directories: ReadonlyMap<string, string>, others: ReadonlyMap<string, string> = new Map()): void {
    const parent = dirname(this.#root);
    // A path that is a directory concerns its parent by its name alone; a file may be a link to what lies beside it
    // (`..data` in Kubernetes' volumes), so that any event counts.
    const nameOnly = directories.size > 0;
    const wanted = new Map([[parent, `parent ${nameOnly && !others.has(parent)}`], ...directories]);
    for (const [path, identity] of others) if (!wanted.has(path)) wanted.set(path, identity);
    for (const [path, { identity, watcher }] of this.#watchers) {
      if (wanted.get(path) === identity) continue;
      watcher.close();
      this.#watchers.delete(path);
    }
    for (const [path, identity] of wanted) {
      if (!this.#watchers.has(path))
        this.#open(path, identity, identity === 'parent true' ? basename(this.#root) : null);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    for (const { watcher } of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #open(path: string, identity: string, only: string | null): void {
    try {
      const watcher = watch(path, { persistent: false }, (_, filename) => {
        if (only === null || filename === null || filename === only) this.#onEvent();
      });
      watcher.on('error', (error) => {
        this.#onError(`${path} cannot be watched: ${error.message}`);
        watcher.close();
        this.#watchers.delete(path);
      });
      this.#watchers.set(path, { identity, watcher });
    } catch (error) {
      // Out of inotify watches, or gone already: the rescan finds changes, only later.
      this.#onError(`${path} cannot be watched: ${(error as Error).message}`);
    }
  }
}
