/** Requests that wait until a server has room for them. */
import { z } from 'zod';

import { duration } from './common.ts';

export const queue = z.strictObject({
  requests: z
    .int()
    .min(1)
    .max(65_536)
    .default(1000)
    .describe('Most that wait at once, in each proxy; what comes beyond them is answered 503 at once.'),
  timeout: duration
    .exactOptional()
    .describe('Longest time that one waits; then it is answered 503. Default: `deadline` if there is one, else 1s.'),
  deadline: duration
    .exactOptional()
    .describe(
      'How long clients wait for an answer, from when they ask. A request that has less time left than forty-nine of fifty answers of its rule took lately is answered 503 instead of being sent: it would be answered when nobody is there. One may always wait a fifth of it.',
    ),
});

export type QueueSpec = z.output<typeof queue>;
