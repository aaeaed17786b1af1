import type { Circumstances } from '../../measure/machine.ts';

/** When and where runs were made. */
export interface Taken {
  readonly circumstances: Circumstances;
  /** Of the machine, while they were. */
  readonly loads: readonly number[];
  readonly minutes: number;
}
