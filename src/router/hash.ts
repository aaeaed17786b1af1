/**
 * 32 bits over `bytes[start … end)`: FNV-1a, then MurmurHash3's finaliser, because FNV alone leaves the low bits of
 * short texts poorly mixed. 0 … 2^32 − 1; the same on every replica.
 */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
