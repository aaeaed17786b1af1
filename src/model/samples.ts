/**
 * Requests in flight at endpoints at instants that all proxies look at by their clocks: who has what each of them saw knows
 * how many there were at once, over all of them. No proxy alone does.
 */

/** Milliseconds: windows begin at the multiples of this since 1970. */
export const WINDOW_EVERY = 5000;
/** Instants of a window, and milliseconds between two of them, beginning with the window. */
export const INSTANTS = 200;
export const APART = 5;
/** Endpoints that are looked at in one window, where there are at most so many proxies; where there are more, fewer of them. */
export const MOST_SAMPLED = 64;
const PROXIES = 10;
const LEAST_SAMPLED = 8;

/** So that what a controller has of all of them stays bounded. Where proxies differ, those of the lesser number are among the others'. */
export function sampledBy(proxies: number): number {
  return Math.max(LEAST_SAMPLED, Math.min(MOST_SAMPLED, Math.floor((MOST_SAMPLED * PROXIES) / Math.max(1, proxies))));
}

/** Largest number that a sample holds. */
export const MOST_AT_ONCE = 65_535;

/** One proxy's. */
export interface SampledWindow {
  /** It began at WINDOW_EVERY times this, in milliseconds since 1970. */
  readonly number: number;
  /** Instants, in order, at which this proxy did not come to look; what was answered before the next one is not known then, either. */
  readonly missed: readonly number[];
  readonly endpoints: readonly SampledEndpoint[];
}

/**
 * Whose numbers are above this are not had yet. Clocks that were put back say again what they have said: the newest one is new then.
 * @param last number of the last window that is had
 */
export function hadUpTo(last: number, newest: number): number {
  return newest < last ? newest - 1 : last;
}

/** Those that are had, and further ones: what is there of the time that a clock was put back by is none of theirs. */
export function followedBy(
  windows: readonly SampledWindow[],
  further: readonly SampledWindow[],
  most: number,
): readonly SampledWindow[] {
  const [first] = further;
  if (first === undefined) return windows;
  return [...windows.filter(({ number }) => number < first.number), ...further].slice(-most);
}

export interface SampledEndpoint {
  /** As RowPlan.id. */
  readonly row: string;
  readonly server: string;
  readonly address: string;
  readonly port: number;
  /** By instant, up to the last that is not 0. */
  readonly inFlight: ArrayLike<number>;
  /** Requests that were answered between this instant and the next. */
  readonly answers: ArrayLike<number>;
}
