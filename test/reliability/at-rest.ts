/** What the product asks of the API server while nothing happens. */
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { ACCOUNTS, deeds } from './deeds.ts';
import type { Stage } from './stage.ts';

export interface AtRest {
  readonly minutes: number;
  /** Replicas of the controller, all under one account. */
  readonly controllers: number;
  /** Requests per minute, by account, then by verb and resource. */
  readonly requestsPerMinute: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** What was under way when the last change came to an end; in milliseconds. */
const SETTLING = 60_000;

export async function atRest({ cluster }: Stage, minutes: number): Promise<AtRest> {
  await sleep(SETTLING);
  const { size } = statSync(cluster.auditLog);
  await sleep(minutes * 60_000);
  const requestsPerMinute: Record<string, Record<string, number>> = {};
  for (const account of ACCOUNTS) requestsPerMinute[account] = {};
  for await (const { verb, user, objectRef } of deeds(cluster.auditLog, size)) {
    const counts = requestsPerMinute[user.username] ?? {};
    const { resource = '', subresource } = objectRef ?? {};
    const what = `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`;
    counts[what] = (counts[what] ?? 0) + 1;
  }
  for (const counts of Object.values(requestsPerMinute)) {
    for (const [what, count] of Object.entries(counts)) counts[what] = Math.round((10 * count) / minutes) / 10;
  }
  return { minutes, controllers: 2, requestsPerMinute };
}
