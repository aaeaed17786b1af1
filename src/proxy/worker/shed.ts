/** Work that is refused or given up because this process has no more to give. */
import { MEMORY_STEP } from '../shared.ts';
import { abandon } from './abandon.ts';
import { refuse } from './answers.ts';
import { READ_SIZE } from './buffers.ts';
import { Client } from './client.ts';
import type { Connection } from './io.ts';
import { PHASE } from './phases.ts';
import { countLimit, countReason, type WorkerState } from './state.ts';

/** Answers a new request with 503. */
export function shed(client: Client): void {
  countShed(client.state);
  refuse(client, 'overloaded');
}

export function countShed(state: WorkerState): void {
  const memory = Atomics.load(state.shared.memoryStep, 0) >= MEMORY_STEP.shedding;
  countLimit(state, memory ? 'memory' : 'event_loop');
}

/** Of all clients' connections at most this part is given up at once, so that it is seen what it helped. */
const PART = 32;
const LEAST = 8;
/** Bytes: what holds less is not worth its loss. */
const HEAVY = 16_384;

/** Gives up the clients that most bytes are held for: they do not read, or their servers do not. */
export function giveUpHeaviest(state: WorkerState): void {
  const heavy: { readonly client: Client; readonly bytes: number }[] = [];
  state.sweeper.each((connection) => {
    if (!(connection instanceof Client)) return;
    const bytes = heldFor(connection);
    if (bytes >= HEAVY) heavy.push({ client: connection, bytes });
  });
  heavy.sort((a, b) => b.bytes - a.bytes);
  for (const { client } of heavy.slice(0, Math.max(LEAST, state.sweeper.size / PART))) {
    countLimit(state, 'memory');
    client.guarded(() => giveUp(client));
  }
}

function heldFor(client: Client): number {
  const retained = client.retained === null ? 0 : client.retained.length;
  const { upstream } = client;
  return waiting(client) + client.heldLength + retained + (upstream === null ? 0 : waiting(upstream));
}

/** What waits to be written keeps the area that it lies in, however little of it is left. */
function waiting(connection: Connection): number {
  return connection.pending > 0 ? READ_SIZE + connection.unsent() : 0;
}

function giveUp(client: Client): void {
  if (client.phase === PHASE.exchange && !client.answerStarted && !client.isWriting()) {
    client.keep = false;
    abandon(client);
    refuse(client, 'overloaded');
    return;
  }
  countReason(client.state, 'overloaded');
  client.reset('overloaded');
}
