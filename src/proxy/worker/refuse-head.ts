/** Answers to what is no request. */
import { BAD } from '../../http/bad.ts';
import type { ReasonWord } from '../../model/reasons.ts';
import { refuse } from './answers.ts';
import type { Client, Logged } from './client.ts';
import { monotonic } from './clock.ts';
import { countLimit } from './state.ts';

/** By the negated code of BAD. */
const REFUSALS: ReasonWord[] = [];
REFUSALS[-BAD.request] = 'bad_request';
REFUSALS[-BAD.framing] = 'bad_framing';
REFUSALS[-BAD.host] = 'no_host';
REFUSALS[-BAD.target] = 'bad_target';
REFUSALS[-BAD.method] = 'method_not_allowed';
REFUSALS[-BAD.notImplemented] = 'not_implemented';
REFUSALS[-BAD.version] = 'version_not_supported';
REFUSALS[-BAD.expectation] = 'expectation_failed';

/** Refuses the head `bytes[start … end)`; `code`: what its parser said, an offset where it is only too long. */
export function refuseHead(client: Client, code: number, bytes: Uint8Array, start: number, end: number): void {
  let word: ReasonWord;
  if (code === BAD.tooManyFields || code >= 0) {
    const line = bytes.subarray(start, end).indexOf(0x0a);
    const tooLong = code !== BAD.tooManyFields && (line < 0 || line > client.listener.table.headerBytes);
    word = tooLong ? 'target_too_long' : 'head_too_large';
    countLimit(client.state, 'header_bytes');
  } else {
    word = REFUSALS[-code]!;
  }
  refuseConnection(client, word);
}

/** What it asks for is not known; that it was refused is told all the same. */
const UNREADABLE: Logged = { method: '', target: '', host: '', inLog: true };

/** Refuses what is no request (yet): nothing of the one before holds for it. */
export function refuseConnection(client: Client, word: ReasonWord): void {
  client.keep = false;
  client.minor = 1;
  client.isHead = false;
  client.bodyDone = true;
  client.target = null;
  client.virtualServer = null;
  client.trace = null;
  client.startedAt = monotonic();
  client.logged = client.state.accessLog?.sample() === true ? UNREADABLE : null;
  refuse(client, word);
}
