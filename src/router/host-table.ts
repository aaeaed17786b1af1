import { bytesOf, lowerCase } from './bytes.ts';

/** A host as listeners and rules write it, and what stands behind it. */
export interface HostEntry<Value> {
  /** Lower case: `shop.example`, `*.shop.example` (one or more labels before the suffix), or `*` (any, also none). */
  readonly host: string;
  readonly value: Value;
}

export interface HostVisitor<Value> {
  take(value: Value): void;
}

/**
 * Hosts to values: exact, then the longest wildcard, then `*`. ASCII case does not matter; the host comes without port
 * and trailing dot. One walk from the end, where the suffixes' hashes come up one after the other.
 */
export class HostTable<Value> {
  private readonly any: Value | undefined;
  /** Open addressing; a wildcard is kept as its suffix with the leading dot. */
  private readonly names: readonly (Uint8Array | undefined)[];
  private readonly values: readonly (Value | undefined)[];
  private readonly mask: number;
  private readonly longest: number;

  constructor(entries: readonly HostEntry<Value>[]) {
    let size = 4;
    while (size < entries.length * 2) size *= 2;
    this.mask = size - 1;
    const names: (Uint8Array | undefined)[] = Array.from({ length: size });
    const values: (Value | undefined)[] = Array.from({ length: size });
    let any: Value | undefined;
    let longest = 0;
    for (const { host, value } of entries) {
      if (host === '*') {
        any ??= value;
        continue;
      }
      const name = bytesOf(host.startsWith('*.') ? host.slice(1) : host);
      let slot = hashOf(name) & this.mask;
      while (names[slot] !== undefined && !same(names[slot]!, name, 0, name.length)) slot = (slot + 1) & this.mask;
      // Said twice: the first stands.
      if (names[slot] !== undefined) continue;
      names[slot] = name;
      values[slot] = value;
      longest = Math.max(longest, name.length);
    }
    this.any = any;
    this.names = names;
    this.values = values;
    this.longest = longest;
  }

  /** The value for the host in `bytes[start … end)`. */
  find(bytes: Uint8Array, start: number, end: number): Value | undefined {
    const slot = this.walk(bytes, start, end, null);
    return slot < 0 ? this.any : this.values[slot];
  }

  /** Gives the values of all entries that fit the host to `visitor`, in no order. */
  visit(bytes: Uint8Array, start: number, end: number, visitor: HostVisitor<Value>): void {
    if (this.any !== undefined) visitor.take(this.any);
    this.walk(bytes, start, end, visitor);
  }

  /** The slot of the best entry, or −1. */
  private walk(bytes: Uint8Array, start: number, end: number, visitor: HostVisitor<Value> | null): number {
    let hash = 0;
    let found = -1;
    // What is longer than any name can still end in a wildcard's suffix.
    const stop = Math.max(start, end - this.longest);
    for (let at = end; at-- > stop;) {
      const byte = lowerCase(bytes[at]!);
      hash = step(hash, byte);
      const isSuffix = byte === 46 && at > start;
      if (!isSuffix && (at > start || byte === 46)) continue;
      const slot = this.slotOf(finish(hash) & this.mask, bytes, at, end);
      if (slot < 0) continue;
      found = slot;
      if (visitor !== null) visitor.take(this.values[slot]!);
    }
    return found;
  }

  /** `slot`: where the search begins. */
  private slotOf(slot: number, bytes: Uint8Array, start: number, end: number): number {
    for (; ; slot = (slot + 1) & this.mask) {
      const name = this.names[slot];
      if (name === undefined) return -1;
      if (same(name, bytes, start, end)) return slot;
    }
  }
}

function step(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}

function finish(hash: number): number {
  return hash ^ (hash >>> 15);
}

function hashOf(name: Uint8Array): number {
  let hash = 0;
  for (let at = name.length; at-- > 0;) hash = step(hash, name[at]!);
  return finish(hash);
}

function same(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let at = 0; at < name.length; at++) if (name[at] !== lowerCase(bytes[start + at]!)) return false;
  return true;
}
