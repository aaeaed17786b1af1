/** What becomes of a client whose deadline has passed: that depends on what it was doing. */
import type { ReasonWord } from '../../model/reasons.ts';
import { abandon } from './abandon.ts';
import { refuse } from './answers.ts';
import type { Client } from './client.ts';
import { PHASE } from './phases.ts';
import { refuseConnection } from './refuse-head.ts';
import { countReason } from './state.ts';

export function clientExpired(client: Client, now: number): void {
  if (client.isWriting()) {
    if (client.takesMore()) client.deadline = now + client.writeTimeout();
    else giveUp(client, 'write_timeout');
    return;
  }
  switch (client.phase) {
    case PHASE.head:
      if (client.heldLength > 0) refuseConnection(client, 'head_timeout');
      else client.destroy();
      return;
    case PHASE.exchange:
      if (client.answerStarted) {
        giveUp(client, 'body_timeout');
        return;
      }
      client.keep = false;
      abandon(client);
      refuse(client, 'body_timeout');
      return;
    case PHASE.discard:
      client.close();
      return;
    case PHASE.tunnel:
      giveUp(client, 'idle_timeout');
      return;
    default:
      // not with a reset: what the kernel still has of the last answer goes out
      client.destroy();
  }
}

function giveUp(client: Client, word: ReasonWord): void {
  countReason(client.state, word);
  client.reset(word);
}
