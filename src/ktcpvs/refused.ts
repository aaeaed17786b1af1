import type { Position } from './table.ts';

/** A command that cannot be done: says what, and why. Nothing of it is applied. */
export class Refused extends Error {
  override readonly name = 'Refused';
  /** The message without the place, and the place, where it stands in a file. */
  readonly what: string;
  readonly at: Position | undefined;

  constructor(message: string, what = message, at?: Position) {
    super(message);
    this.what = what;
    this.at = at;
  }
}
