/** The other controller replica, a process of its own: takes up the same changes, and offers the same. */
import { BenchController, type Place } from './controller.ts';
import type { Change } from './world.ts';

export type ToReplica = { readonly start: Place } | { readonly change: Change; readonly round: number };

let controller: BenchController | null = null;

async function start(place: Place): Promise<void> {
  controller = await BenchController.start(place);
  process.send?.('ready');
}

process.on('message', (message: ToReplica) => {
  if ('change' in message) controller?.take(message.change, message.round);
  else void start(message.start);
});
process.once('disconnect', () => process.exit(0));
