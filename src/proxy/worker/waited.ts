/** What becomes of a request that has waited for a server to have room. */
import { abandon } from './abandon.ts';
import { refuse } from './answers.ts';
import { chooseInVain, chooseWaiting } from './choose.ts';
import type { Client } from './client.ts';
import { monotonic } from './clock.ts';
import { sendTo } from './dispatch.ts';
import { MAX_RETAINED } from './phases.ts';
import { bodyDeadline } from './request-body.ts';
import { countLimit } from './state.ts';
import { stopWaiting } from './waiting.ts';

/** @returns false where there is no room yet */
export function admitWaiting(client: Client): boolean {
  const choice = chooseWaiting(client, client.target!, client.inQueue!.chosen);
  if (choice < 0) return false;
  client.guarded(() => send(client, choice));
  return true;
}

/** The virtual server's redirect takes it, else it is refused. */
export function waitedInVain(client: Client, limit: 'queue_time' | 'queue_deadline'): void {
  countLimit(client.state, limit);
  const choice = chooseInVain(client);
  client.guarded(() => {
    if (choice >= 0) {
      send(client, choice);
      return;
    }
    abandon(client);
    if (!client.bodyDone) client.keep = false;
    refuse(client, 'at_capacity');
  });
}

function send(client: Client, choice: number): void {
  stopWaiting(client);
  client.bodySince = client.state.now = monotonic();
  client.deadline = bodyDeadline(client);
  sendTo(client, client.target!, choice);
  // what has gone out is no longer kept for another try where it is long
  if (client.upstream?.sent === true && client.retainedLength > MAX_RETAINED) client.retainedWhole = false;
}
