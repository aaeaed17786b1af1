/** A client that sends raw bytes in given segments and reads answers strictly. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { ADDRESS } from './address.ts';
import { latin1, type Message, WireReader } from './checker.ts';
import { type Step, play } from './steps.ts';

/** The same cases through TLS: see tls.test.ts. */
export const THROUGH_TLS = process.env['ROBUSTNESS_TLS'] === '1';

export interface TalkOptions {
  /** Methods of the requests that are sent, where one of them is HEAD. */
  readonly methods?: readonly string[];
  /** After that many final answers the client half-closes; without it, it waits for the proxy to close. */
  readonly answers?: number;
  /** Milliseconds until it counts as hanging. */
  readonly patience?: number;
}

/** A connection to the proxy; `raw` is what is below TLS, where the cases run through it. */
export function open(
  port: number,
  options: { readonly noDelay?: boolean; readonly allowHalfOpen?: boolean } = {},
): { readonly socket: Socket; readonly raw: Socket } {
  const raw = connect({ port, host: ADDRESS, ...options });
  return { raw, socket: THROUGH_TLS ? connectTls({ socket: raw, rejectUnauthorized: false }) : raw };
}

/** What a client sent and got, until the connection was closed. */
export class Conversation {
  readonly reader = new WireReader('answer');
  /** `fin`: the proxy closed; `rst`: it reset; `hang`: neither within the patience. */
  ended: 'open' | 'fin' | 'rst' | 'hang' = 'open';
  text = '';
  private waiting: (() => void)[] = [];

  /** The final answers that were whole. */
  get answers(): Message[] {
    return this.reader.completed.filter((message) => isFinal(message));
  }

  get interim(): number[] {
    return this.reader.messages.filter((message) => !isFinal(message)).map(statusOf);
  }

  get statuses(): number[] {
    return this.answers.map(statusOf);
  }

  wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves when the condition holds, or nothing more can come. */
  async until(condition: () => boolean): Promise<void> {
    while (this.ended === 'open' && !condition()) {
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
      });
    }
  }
}

function isFinal(message: Message): boolean {
  return statusOf(message) >= 200 || statusOf(message) === 101;
}

export function statusOf(message: Message): number {
  return Number(message.start[1]);
}

/**
 * Connects, plays the steps, collects until the connection is closed. Steps may look at the conversation:
 * `(talk) => [ 'bytes', () => talk.until(() => talk.answers.length === 1), 'more' ]`.
 */
export async function talk(
  port: number,
  script: readonly Step[] | ((conversation: Conversation) => readonly Step[]),
  options: TalkOptions = {},
): Promise<Conversation> {
  const conversation = new Conversation();
  const { reader } = conversation;
  reader.methods.push(...(options.methods ?? []));
  const { socket, raw } = open(port, { noDelay: true, allowHalfOpen: true });
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const end = (how: 'fin' | 'rst' | 'hang') => {
    if (conversation.ended !== 'open') return;
    conversation.ended = how;
    if (how === 'fin') reader.end();
    conversation.wake();
    resolve();
  };
  let done = false;
  socket.on('data', (bytes: Buffer) => {
    conversation.text += latin1(bytes);
    reader.push(bytes);
    conversation.wake();
    if (!done && options.answers !== undefined && conversation.answers.length >= options.answers) {
      done = true;
      socket.end();
    }
  });
  socket.on('end', () => {
    end('fin');
    socket.end();
  });
  socket.on('error', () => end('rst'));
  socket.on('close', () => end('rst'));
  const timer = setTimeout(() => end('hang'), options.patience ?? 8000);
  await new Promise<void>((connected) => {
    socket.once(THROUGH_TLS ? 'secureConnect' : 'connect', connected);
    socket.once('close', () => connected());
  });
  // Not awaited: a step may wait for what never comes once the connection is gone.
  void play(socket, raw, typeof script === 'function' ? script(conversation) : script);
  await closed;
  clearTimeout(timer);
  socket.destroy();
  return conversation;
}
