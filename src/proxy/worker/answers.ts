/** Answers of our own: small, plain, with the reason's word and nothing of the inside. */
import { PHRASES } from '../../http/reason-phrases.ts';
import { REASONS, type ReasonWord } from '../../model/reasons.ts';
import { GLOBAL } from '../shared.ts';
import { countAnswer, logAnswer } from './accounting.ts';
import type { Client } from './client.ts';
import { DISCARD_TIMEOUT, MAX_DISCARD, PHASE } from './phases.ts';
import { countReason } from './state.ts';

const STATUS = new Map(REASONS.map(({ word, status }) => [word, status]));

/** How long a connection is kept open after our end, so that the client can read what we said. */
const LINGER = 2000;

/**
 * Answers for the reason; a reason without a status closes with a reset.
 * @param wait seconds after which it is worth another try
 */
export function refuse(client: Client, word: ReasonWord, wait = 1): void {
  countReason(client.state, word);
  const status = STATUS.get(word)!;
  if (status === 0) {
    client.reset(word);
    return;
  }
  const retry = status === 503 || status === 429 ? `Retry-After: ${wait}\r\n` : '';
  const allow = status === 405 ? 'Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n' : '';
  const text = `${status} ${PHRASES.get(status)}: ${word}\n`;
  answer(client, status, `Content-Type: text/plain\r\n${retry}${allow}`, text, word);
}

/** Answers a redirection. */
export function redirect(client: Client, status: number, location: string): void {
  answer(client, status, `Location: ${location}\r\n`, '', 'redirect');
}

/** `OPTIONS *`: about the proxy, so the proxy answers (63). */
export function answerOptions(client: Client): void {
  answer(client, 204, 'Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n', '', '');
}

/** `lines`: further fields, each with its CRLF. */
function answer(client: Client, status: number, lines: string, body: string, flag: string): void {
  const state = client.state;
  // 22: what is left of the body must not be taken for a request; a body that waits for `100 Continue` may never come
  const tooMuch = !client.bodyDone && (client.expectsContinue || client.bodyLeft > MAX_DISCARD);
  if (tooMuch || state.closing) client.keep = false;
  const connection = client.keep ? (client.minor === 0 ? 'Connection: keep-alive\r\n' : '') : 'Connection: close\r\n';
  const length = status === 204 ? '' : `Content-Length: ${body.length}\r\n`;
  const text = `HTTP/1.1 ${status} ${PHRASES.get(status) ?? ''}\r\n${lines}${length}${connection}\r\n${client.isHead ? '' : body}`;
  client.status = status;
  client.bytesSent = text.length;
  countAnswer(client, status);
  logAnswer(client, flag);
  const view = Buffer.from(text, 'latin1');
  if (!client.write(view, false)) {
    // it is counted
    client.phase = PHASE.closing;
    client.destroy();
    return;
  }
  state.counters.global[GLOBAL.bytesSent]! += view.length;
  client.answerStarted = true;
  if (!client.keep) {
    client.close();
  } else if (client.bodyDone) {
    client.next();
  } else {
    client.phase = PHASE.discard;
    client.deadline = state.now + DISCARD_TIMEOUT;
    client.resume();
  }
}

/**
 * Ends our side once everything has gone out, and waits a little for the client's end: closing at once would reset the
 * connection under what the client has not read yet (RFC 9112 §9.6).
 */
export function closeGently(client: Client): void {
  if (client.gone) return;
  client.phase = PHASE.closing;
  client.held = null;
  client.heldLength = 0;
  client.deadline = client.state.now + client.writeTimeout();
  if (!client.eof) client.resume();
  client.endSide(() => {
    if (client.eof) client.destroy();
    else client.deadline = client.state.now + LINGER;
  });
}
