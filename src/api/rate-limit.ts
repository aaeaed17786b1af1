/** How many requests may come, of a rule or of a whole virtual server. */
import { z } from 'zod';

export const rateLimit = z.strictObject({
  requests: z.int().min(1).max(1_000_000_000).describe('Requests (connections of TCP) per `per`.'),
  per: z.enum(['Second', 'Minute', 'Hour']).default('Second').describe('Second, Minute or Hour.'),
  burst: z
    .int()
    .min(1)
    .max(1_000_000_000)
    .exactOptional()
    .describe('How many may come at once after a pause; default: as many as `requests`.'),
});

export type RateLimitSpec = z.output<typeof rateLimit>;
