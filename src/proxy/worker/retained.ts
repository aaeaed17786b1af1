/** Buffers in which requests are kept for another try: rented for the length of an exchange. */

const CLASSES = [1024, 4096, 16_384, 65_536, 262_144] as const;
const free: Uint8Array[][] = CLASSES.map(() => []);
const MAX_FREE = [1024, 256, 64, 16, 4];
/** Memory is short: none is kept. */
let saving = false;

/** A buffer of at least `length` bytes. */
export function rent(length: number): Uint8Array {
  for (let i = 0; i < CLASSES.length; i++)
    if (length <= CLASSES[i]!) return free[i]!.pop() ?? new Uint8Array(CLASSES[i]!);
  return new Uint8Array(length);
}

export function giveBack(buffer: Uint8Array): void {
  for (let i = 0; i < CLASSES.length; i++) {
    if (buffer.length !== CLASSES[i]) continue;
    if (free[i]!.length < MAX_FREE[i]! && !saving) free[i]!.push(buffer);
    return;
  }
}

export function saveRetained(saves: boolean): void {
  saving = saves;
  if (saves) for (const buffers of free) buffers.length = 0;
}
