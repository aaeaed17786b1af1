/** What the cases about answers of servers share: a server that says exactly that, and what the client must see. */
import assert from 'node:assert/strict';

import { type Conversation } from './client.ts';
import { OK, type Exchange } from './origin.ts';
import { FIN } from './steps.ts';
import { request, show, type Case, type Lane, type Step } from './suite.ts';

export const GET = request('GET', '/a');
export const POISON = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Poison: yes\r\n\r\npoison';

/** The first request is answered by the steps, all others well. */
export function first(lane: Lane, ...steps: Step[]): void {
  lane.origin.onRequest = (exchange: Exchange) =>
    exchange.target === '/a' ? exchange.send(...steps) : exchange.send(OK);
}

export function ask(lane: Lane, sent = GET, methods?: readonly string[]): Promise<Conversation> {
  return lane.talk(
    (talk) => [sent, () => talk.until(() => talk.answers.length > 0), FIN],
    methods === undefined ? {} : { methods },
  );
}

/** The proxy has given up the connection on which that was said, and lives. */
export async function dropped(lane: Lane): Promise<void> {
  await lane.origin.connections[0]!.closed;
  await lane.probe();
  assert.deepEqual(lane.origin.problems, []);
}

/** Bad before anything could be relayed. */
export function bad(name: string, ...steps: Step[]): Case {
  return {
    name: `${name} → 502, upstream closed`,
    run: async (lane) => {
      first(lane, ...steps);
      const answer = await ask(lane);
      assert.deepEqual(answer.reader.problems, []);
      assert.deepEqual(answer.statuses, [502], show(answer));
      await dropped(lane);
    },
  };
}

/** The client must see an error: no whole answer and a close; or 502 where nothing had been relayed. */
export function assertError(answer: Conversation): void {
  assert.notEqual(answer.ended, 'hang', show(answer));
  assert.notEqual(answer.ended, 'open');
  assert.equal(answer.text.includes('poison'), false);
  if (answer.reader.messages.length === 0) return;
  if (answer.statuses[0] === 502) {
    assert.equal(answer.statuses.length, 1, show(answer));
    return;
  }
  const [message] = answer.reader.messages;
  // A close-delimited answer is whole at FIN: there only RST is an error.
  if (message!.framing === 'close') assert.equal(answer.ended, 'rst', show(answer));
  else assert.equal(message!.complete, false, `looks whole: ${show(answer)}`);
  assert.equal(answer.text.slice(5).includes('HTTP/1.'), false, `something appended: ${show(answer)}`);
}

export function broken(name: string, ...steps: Step[]): Case[] {
  return [
    {
      name: `${name} → an error at the client`,
      run: async (lane) => {
        first(lane, ...steps);
        assertError(await ask(lane));
        await dropped(lane);
      },
    },
    {
      name: `${name} → an error at a client of HTTP/1.0`,
      run: async (lane) => {
        first(lane, ...steps);
        assertError(await ask(lane, 'GET /a HTTP/1.0\r\nHost: a.example\r\n\r\n'));
        await dropped(lane);
      },
    },
  ];
}

/** Long enough for the proxy to read, and relay, what it has. */
export function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
}

/** A head of status 200. */
export const head = (fields: string) => `HTTP/1.1 200 OK\r\n${fields}\r\n`;
