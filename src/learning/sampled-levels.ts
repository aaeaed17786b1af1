/**
 * For how long how many requests were in flight at an endpoint over all proxies, and what was answered meanwhile, from what
 * each of them saw at the same instants (model/samples.ts). No proxy's own levels say so: they know what it sent itself. Nor
 * do means over windows: where requests that take longer than usual are many in flight and few answered, they show a peak
 * where there is none.
 *
 * What is answered in the time after an instant is at first that of the number seen, X(n), and drifts to the mean as others
 * come and go. So it is taken from two intervals, 3/2 of the first less 1/2 of the second, in which that drift cancels to
 * the first order.
 */
import { type CellLevels, levelOf, type LevelSums, noLevels } from '../model/levels.ts';
import { APART, INSTANTS, type SampledEndpoint, type SampledWindow } from '../model/samples.ts';

/** Seconds that requests take in the mean, from which on instants are near enough to each other to tell how many there are. */
export const SHORTEST = (2 * APART) / 1000;

/**
 * Of endpoints that all proxies looked at. `answers` may be below 0 where few were seen.
 * @param windows of the same number, one of each proxy
 */
export function sampledLevels(windows: readonly SampledWindow[]): CellLevels[] {
  const [first, ...others] = windows;
  if (first === undefined) return [];
  const known = others.map(({ endpoints }) => new Map(endpoints.map((endpoint) => [nameOf(endpoint), endpoint])));
  const usable = usableInstants(windows);
  const cells = new Map<string, CellLevels>();
  for (const endpoint of first.endpoints) {
    const name = nameOf(endpoint);
    const all = [endpoint, ...known.flatMap((endpoints) => endpoints.get(name) ?? [])];
    if (all.length < windows.length) continue;
    const { row, server } = endpoint;
    const key = `${row}\n${server}`;
    let cell = cells.get(key);
    if (cell === undefined) cells.set(key, (cell = { row, server, levels: noLevels() }));
    addSamples(cell.levels, all, usable);
  }
  return [...cells.values()];
}

/** Those whose number in flight and the answers of the two intervals after them all proxies know. */
function usableInstants(windows: readonly SampledWindow[]): number[] {
  const missed = new Set(windows.flatMap((window) => window.missed));
  const usable: number[] = [];
  for (let at = 0; at + 2 <= INSTANTS; at++) {
    if (!missed.has(at) && !missed.has(at + 1) && !missed.has(at + 2)) usable.push(at);
  }
  return usable;
}

function addSamples(sums: LevelSums, endpoints: readonly SampledEndpoint[], usable: readonly number[]): void {
  for (const at of usable) {
    let [inFlight, soon, then] = [0, 0, 0];
    for (const each of endpoints) {
      inFlight += each.inFlight[at] ?? 0;
      soon += each.answers[at] ?? 0;
      then += each.answers[at + 1] ?? 0;
    }
    if (inFlight === 0) continue;
    const level = levelOf(inFlight);
    sums.seconds[level]! += APART / 1000;
    sums.answers[level]! += 1.5 * soon - 0.5 * then;
  }
}

const nameOf = ({ row, server, address, port }: SampledEndpoint): string => `${row}\n${server}\n${address}\n${port}`;
