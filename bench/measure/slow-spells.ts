/**
 * How evenly the machine itself runs: the same small piece of work once a millisecond, on a processor that has nothing else
 * to do. A virtual machine may for some hundredths of a second run at a fraction of its speed; a p99 is made of such spells.
 * Usage: node slow-spells.ts SECONDS → one line of JSON.
 */
import { closeSync, openSync, readSync } from 'node:fs';

import { Histogram } from './histogram.ts';

export interface Spells {
  /** Of the pieces: how many took more than SLOW times what a good one takes (0 … 1). */
  readonly share: number;
  /** Milliseconds of the longest row of slow pieces. */
  readonly longest: number;
  /** Microseconds of a good piece, and of the slowest. */
  readonly good: number;
  readonly worst: number;
}

/** In milliseconds. */
export interface Piece {
  readonly at: number;
  readonly took: number;
}

/** Neither a cold cache nor a collection makes that of a piece. */
const SLOW = 4;
const PERIOD = 1;
/** Until the compilers are through. */
const FIRST = 1000;

export function spellsOf(pieces: readonly Piece[]): Spells {
  const histogram = new Histogram();
  for (const { took } of pieces) histogram.record(took * 1e3);
  const good = histogram.percentile(0.1);
  let slow = 0;
  let longest = 0;
  let from: number | null = null;
  for (const { at, took } of pieces) {
    if (took * 1e3 <= SLOW * good) {
      from = null;
      continue;
    }
    slow++;
    from ??= at;
    longest = Math.max(longest, at + took - from);
  }
  return { share: pieces.length === 0 ? 0 : slow / pieces.length, longest, good, worst: histogram.max };
}

function workFor(seconds: number): Piece[] {
  const pieces: Piece[] = [];
  const rest = new Int32Array(new SharedArrayBuffer(4));
  const memory = new Int32Array(1 << 22);
  const zero = openSync('/dev/zero', 'r');
  const bytes = new Uint8Array(64);
  const until = performance.now() + seconds * 1e3;
  for (let count = 0, place = 1, at = performance.now(); at < until; count++, at = performance.now()) {
    // as a proxy does: calls of the system, and memory here and there
    for (let call = 0; call < 20; call++) {
      readSync(zero, bytes);
      place = (Math.imul(place, 1_103_515_245) + 12_345) & (memory.length - 1);
      memory[place] = count;
    }
    const took = performance.now() - at;
    if (count >= FIRST) pieces.push({ at, took });
    if (took < PERIOD) Atomics.wait(rest, 0, 0, PERIOD - took);
  }
  closeSync(zero);
  return pieces;
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(spellsOf(workFor(Number(process.argv[2]))))}\n`);
