import { compareVersions, type KubeObject } from './resource.ts';

export interface CacheOptions<T> {
  /** What is kept of an object, the smaller, the less memory; `before`: what is kept of it now. */
  readonly keep: (object: KubeObject, before: T | undefined) => T;
  /** Whether two values say the same: then nobody is told. Default: never. */
  readonly same?: (before: T, now: T) => boolean;
  /** Whether a value holds nothing: a list that has it is suspected like one that lacks it. Default: never. */
  readonly isEmpty?: (value: T) => boolean;
}

export interface Listed<T> {
  /** By key. */
  readonly objects: ReadonlyMap<string, { readonly value: T; readonly version: string }>;
  /** Resource version of the list. */
  readonly version: string;
}

/** What is known of the objects of one watch. Pure: who calls it has spoken to the API server. */
export class ObjectCache<T> {
  readonly #options: CacheOptions<T>;
  readonly #values = new Map<string, T>();
  readonly #versions = new Map<string, string>();
  #view: ReadonlyMap<string, T> | null = null;
  #version: string | null = null;
  #lastChange: string | null = null;

  constructor(options: CacheOptions<T>) {
    this.#options = options;
  }

  /** All values by key: the same map while nothing has changed, another one when something has. */
  get view(): ReadonlyMap<string, T> {
    return (this.#view ??= new Map(this.#values));
  }

  /** Highest resource version that was seen, of objects, lists and bookmarks. */
  get version(): string | null {
    return this.#version;
  }

  /**
   * Resource version of the last change that was seen: of two that have seen everything it is the same, whenever they have
   * listed.
   */
  get lastChange(): string | null {
    return this.#lastChange;
  }

  get(key: string): T | undefined {
    return this.#values.get(key);
  }

  /** Resource version of an object as it is known. */
  versionOf(key: string): string | undefined {
    return this.#versions.get(key);
  }

  see(version: string | undefined): void {
    if (version === undefined) return;
    if (this.#version === null || compareVersions(version, this.#version) > 0) this.#version = version;
  }

  /** Takes an object as it is now. True: it says something else than before. */
  set(key: string, value: T, version: string): boolean {
    this.#versions.set(key, version);
    this.#change(version);
    const before = this.#values.get(key);
    if (before !== undefined && this.#options.same?.(before, value) === true) return false;
    this.#values.set(key, value);
    this.#view = null;
    return true;
  }

  /** `version`: of the deletion, as the watch has it. */
  delete(key: string, version: string): boolean {
    this.#change(version);
    this.#versions.delete(key);
    if (!this.#values.delete(key)) return false;
    this.#view = null;
    return true;
  }

  /** Takes a whole list, at once. Answers with the keys of what is new, changed, or gone. */
  replace({ objects, version }: Listed<T>): string[] {
    const changed = [...this.#values.keys()].filter((key) => !objects.has(key) && this.delete(key, version));
    for (const [key, object] of objects) {
      if (this.#versions.get(key) === object.version && this.#values.has(key)) continue;
      if (this.set(key, object.value, object.version)) changed.push(key);
    }
    this.see(version);
    return changed;
  }

  /** Nothing is there any more, and nobody says since when. */
  clear(): string[] {
    const keys = [...this.#values.keys()];
    this.#values.clear();
    this.#versions.clear();
    if (keys.length > 0) this.#view = null;
    return keys;
  }

  /**
   * Known objects that a list lacks (or has empty), if they are more than half: then it is not believed before another
   * one says the same. A store in trouble has answered with empty lists before. Null: believe it.
   */
  suspicion({ objects }: Listed<T>): string | null {
    const isEmpty = this.#options.isEmpty ?? (() => false);
    const full = [...this.#values].filter(([, value]) => !isEmpty(value)).map(([key]) => key);
    const lost = full.filter((key) => {
      const object = objects.get(key);
      return object === undefined || isEmpty(object.value);
    });
    return lost.length > full.length / 2 ? lost.toSorted().join('\n') : null;
  }

  #change(version: string): void {
    this.see(version);
    if (this.#lastChange === null || compareVersions(version, this.#lastChange) > 0) this.#lastChange = version;
  }
}
