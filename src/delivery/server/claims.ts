import { compareNumbers, type Versions } from '../versions.ts';

/**
 * The versions that a replica claims for its snapshot. They say when something last changed, so that replicas that have
 * seen the same claim the same; how far a replica has certainly seen everything is more (it may have listed a moment ago,
 * when nothing had changed for hours), and would set replicas apart that know the same. A proxy is served by whoever has
 * seen at least what it was served by; its versions are then claimed too, which is true.
 */
export class Claims {
  #seen: Versions = {};
  #claimed: Record<string, string> = {};
  #refused = false;

  /** What travels; another object where it is not the same as before. */
  get current(): Versions {
    return this.#claimed;
  }

  /** True: somebody was refused who need not be any more. */
  publish(versions: Versions, seen: Versions): boolean {
    this.#seen = seen;
    for (const [type, version] of Object.entries(versions)) this.#raise(type, version);
    const refused = this.#refused;
    this.#refused = false;
    return refused;
  }

  /** Whether everything that these versions stand for has been seen here too; types that nobody here knows do not count. */
  cover(theirs: Versions): boolean {
    const known = Object.entries(theirs).filter(([type]) => Object.hasOwn(this.#seen, type));
    if (known.some(([type, version]) => compareNumbers(version, this.#seen[type] ?? '0') > 0)) {
      this.#refused = true;
      return false;
    }
    for (const [type, version] of known) this.#raise(type, version);
    return true;
  }

  #raise(type: string, version: string): void {
    const before = this.#claimed[type];
    if (before === undefined || compareNumbers(version, before) > 0)
      this.#claimed = { ...this.#claimed, [type]: version };
  }
}
