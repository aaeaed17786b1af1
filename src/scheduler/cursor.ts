/** Cursors: counters in shared memory from which all workers take positions, each position once. */

/** From here on a cursor is set back: as far from 0 as from the overflow of a Uint32. */
const REBASE_AT = 2 ** 31;

/**
 * Takes the next position of a cursor, in 0 … period - 1. One cursor must always be asked with the same period.
 *
 * 2^32 is no multiple of most periods, so a cursor that overflowed would jump within its period. Whoever draws 2^31 or
 * more sets the cursor back by a multiple of the period, which leaves all positions as they are. It does so by
 * compare-and-exchange, so that of many who see it exactly one does. Thus a cursor never gets further than one draw per
 * worker beyond 2^31, and is right from any start that is at least that far from 2^32.
 */
export function takePosition(cursors: Uint32Array, slot: number, period: number): number {
  const drawn = Atomics.add(cursors, slot, 1);
  if (drawn >= REBASE_AT) rebase(cursors, slot, period);
  return drawn % period;
}

function rebase(cursors: Uint32Array, slot: number, period: number): void {
  const back = REBASE_AT - (REBASE_AT % period);
  for (;;) {
    const seen = Atomics.load(cursors, slot);
    if (seen < REBASE_AT || Atomics.compareExchange(cursors, slot, seen, seen - back) === seen) return;
  }
}
