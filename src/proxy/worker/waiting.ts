/** A request for which no server has room joins the queue, and leaves it. */
import { GLOBAL } from '../shared.ts';
import { leaveEndpoint } from './accounting.ts';
import type { Client } from './client.ts';
import { countLimit } from './state.ts';
import type { Target } from './tables.ts';

/** Whether one more of its virtual server's requests may wait; where the queue is full, the limit's hit is counted. */
export function mayWait({ state, virtualServer }: Client): boolean {
  const { queue, load } = virtualServer!;
  if (queue === null) return false;
  if (load.waiting < queue.requests) return true;
  countLimit(state, 'queue');
  return false;
}

/** The request, which is kept whole, waits from now on. @param chosen as Waiting.chosen */
export function beginWaiting(client: Client, target: Target, chosen: boolean): void {
  const { state } = client;
  const { queue, load } = client.virtualServer!;
  leaveEndpoint(client);
  client.deadline = Infinity;
  load.waiting++;
  state.counters.global[GLOBAL.waiting]!++;
  state.counters.global[GLOBAL.waited]!++;
  state.queue.enter(client, target.place, queue!, client.startedAt, chosen);
}

export function stopWaiting(client: Client): void {
  const { global } = client.state.counters;
  const waited = client.state.queue.leave(client);
  client.waited += waited;
  client.virtualServer!.load.waiting--;
  global[GLOBAL.waiting]!--;
  global[GLOBAL.waitedSeconds]! += waited / 1000;
}
