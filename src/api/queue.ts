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
  timeout: duration.default('1s').describe('Longest time that one waits; then it is answered 503.'),
});

export type QueueSpec = z.output<typeof queue>;
