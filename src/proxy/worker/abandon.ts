/** Giving up what is on its way. */
import { leaveEndpoint, noteUnanswered } from './accounting.ts';
import type { Client } from './client.ts';
import { PHASE } from './phases.ts';
import { giveBack } from './retained.ts';
import { discard } from './upstream.ts';
import { stopWaiting } from './waiting.ts';

/** Gives up what is on its way, without an answer to anybody. */
export function abandon(client: Client): void {
  if (client.inQueue !== null) stopWaiting(client);
  const upstream = client.upstream;
  client.upstream = null;
  if (upstream !== null) discard(upstream);
  // a tunnel is open for as long as its client likes
  if (client.phase === PHASE.exchange) noteUnanswered(client);
  leaveEndpoint(client);
  dropRetained(client);
}

export function dropRetained(client: Client): void {
  if (client.retained !== null) giveBack(client.retained);
  client.retained = null;
  client.retainedWhole = false;
}
