/** Milliseconds, monotonic. Imported: the global of that name is a getter, which costs more than the reading itself. */
import { performance } from 'node:perf_hooks';

export function monotonic(): number {
  return performance.now();
}
