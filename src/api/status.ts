/** What the kinds' statuses share: conditions, and the default that keeps a new object from looking fine. */
import { z } from 'zod';

import { listMap } from './cel.ts';
import { text } from './common.ts';

const time = z.string().meta({ format: 'date-time' });

export const condition = z.strictObject({
  type: text(316).min(1).describe('What the condition is about.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
  observedGeneration: z
    .int()
    .min(0)
    .meta({ format: 'int64' })
    .exactOptional()
    .describe('Generation of the object that the condition speaks of.'),
  lastTransitionTime: time.describe('When the status last changed.'),
  reason: text(1024).min(1).describe('One word, stable and documented.'),
  message: text(32768).describe('For people.'),
});

export const conditions = listMap(condition.describe('A condition.'), 'type', 16);

export const observedGeneration = z
  .int()
  .min(0)
  .meta({ format: 'int64' })
  .exactOptional()
  .describe('Generation of the object that this status speaks of.');

/** Conditions that a new object has before anybody has looked at it; without Ready, kstatus would call it Current. */
export const pending = (types: readonly string[]) =>
  types.map((type) => ({
    type,
    status: 'Unknown' as const,
    reason: 'Pending',
    message: 'Waiting for the controller',
    lastTransitionTime: '1970-01-01T00:00:00Z',
  }));

export const statusTime = time;
export type ApiCondition = z.output<typeof condition>;
