/** The head is not complete yet. */
export const INCOMPLETE = 0;

/** What is wrong with a head: negative, so that it cannot be taken for an offset. */
export const BAD = {
  request: -1,
  framing: -2,
  host: -3,
  target: -4,
  tooManyFields: -5,
  method: -6,
  notImplemented: -7,
  version: -8,
  expectation: -9,
} as const;
