import { type Family, gauge } from './exposition.ts';

/** Hexadecimal digits of an id that a double holds exactly. */
const DIGITS = 12;

/** Which configuration it is, as a number to compare: `snapshot` is its id, hexadecimal; null: there is none yet. */
export function configHash(snapshot: string | null): Family {
  const help = 'The snapshot as a number: the same wherever the same snapshot is.';
  return gauge('tcpvs_config_hash', help, snapshot === null ? [] : hashOf(snapshot));
}

/** For who wants to know whether a snapshot is the one that a metric speaks of. */
export const hashOf = (snapshot: string): number => Number.parseInt(snapshot.slice(0, DIGITS), 16);
