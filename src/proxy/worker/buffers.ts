/**
 * The memory that bytes are read into and put together in: one read buffer for all sockets of a worker, one scratch area
 * for everything it sends, and large buffers for long bodies.
 */
import { saveLentBuffers } from '../../http/lent-buffers.ts';

export const READ_SIZE = 65_536;
/** Twice what can arrive at once (a read, and what was held before it), and the largest head. */
const SCRATCH_SIZE = 4 * READ_SIZE;
const CACHED_VIEWS = 16_384;

/**
 * The shared read buffer; eight bytes longer than a read, for the zero that ends every scan. Not a Buffer: views of those
 * cost twice as much.
 */
export const input: Uint8Array = new Uint8Array(READ_SIZE + 8);
export const readTarget: Uint8Array = input.subarray(0, READ_SIZE);

/** Views by length, made when first needed: in pages of 256, so that an area that is used once costs little. */
class Views {
  readonly #bytes: Uint8Array;
  readonly #pages: (Uint8Array[] | undefined)[] = Array.from({ length: CACHED_VIEWS >> 8 });

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** `bytes[0 … length)` */
  get(length: number): Uint8Array {
    if (length >= CACHED_VIEWS) return this.#bytes.subarray(0, length);
    const page = (this.#pages[length >> 8] ??= Array.from<Uint8Array>({ length: 256 }));
    return (page[length & 255] ??= this.#bytes.subarray(0, length));
  }
}

const inputViews = new Views(input);

/** `input[0 … length)`. */
export function inputView(length: number): Uint8Array {
  return inputViews.get(length);
}

export interface Scratch {
  readonly bytes: Uint8Array;
  readonly views: Views;
}

/** Where heads and bodies are put together before they are written. */
export const scratch: { area: Scratch } = { area: newScratch() };
/** Areas that waited for the kernel, and are free again. */
const freeAreas: Scratch[] = [];

/** `scratch.area.bytes[0 … length)`. */
export function scratchView(length: number): Uint8Array {
  return scratch.area.views.get(length);
}

/** The scratch area as it is, for a write that has to wait for the kernel; another takes its place. */
export function takeScratch(): Scratch {
  const { area } = scratch;
  scratch.area = freeAreas.pop() ?? newScratch();
  return area;
}

export function giveScratchBack(area: Scratch): void {
  if (freeAreas.length < 8 && !buffering.saves) freeAreas.push(area);
}

/** Memory that nobody has touched is not there yet: an area that keeps a short answer waiting costs its length. */
function newScratch(): Scratch {
  const bytes = new Uint8Array(SCRATCH_SIZE);
  return { bytes, views: new Views(bytes) };
}

/** Large buffers that reads of long bodies go to, straight from the kernel and straight back; a bounded number. */
const LARGE_READ = 1 << 20;
export const MAX_LARGE = 48;
const freeLarge: Uint8Array[] = [];
let largeInUse = 0;

/** null: there are enough of them, the shared buffer must do. */
export function rentLarge(): Uint8Array | null {
  if (largeInUse >= MAX_LARGE || buffering.saves) return null;
  largeInUse++;
  return freeLarge.pop() ?? new Uint8Array(LARGE_READ);
}

/** `intact`: nothing of it is waiting to be written, so another read may have it. */
export function returnLarge(buffer: Uint8Array, intact: boolean): void {
  largeInUse--;
  if (intact && freeLarge.length < 8 && !buffering.saves) freeLarge.push(buffer);
}

/** `saves`: memory is short, so there are no large buffers, and none is kept for the next one. */
export const buffering = { saves: false };

export function saveBuffers(saves: boolean): void {
  buffering.saves = saves;
  saveLentBuffers(saves);
  if (saves) freeAreas.length = freeLarge.length = 0;
}
