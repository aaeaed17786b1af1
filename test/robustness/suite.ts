/** Cases by number: each gets a lane of its own, runs beside the others, and is judged at both ends. */
import assert from 'node:assert/strict';
import { after, before as beforeAll, describe, test } from 'node:test';

import { type Message, valuesOf } from './checker.ts';
import { type Conversation, statusOf, talk, type TalkOptions } from './client.ts';
import { type LaneOptions, startProxy, type TestProxy } from './harness.ts';
import { Origin, PROBE } from './origin.ts';
import type { Step } from './steps.ts';

export interface Case {
  /** Starts with the case's number. */
  readonly name: string;
  readonly run: (lane: Lane) => Promise<void>;
  readonly options?: LaneOptions;
}

export type Script = Parameters<typeof talk>[1];

export class Lane {
  readonly port: number;
  readonly origin: Origin;

  constructor(port: number, origin: Origin) {
    this.port = port;
    this.origin = origin;
  }

  talk(script: Script | string, options?: TalkOptions): Promise<Conversation> {
    return talk(this.port, typeof script === 'string' ? [script] : script, options);
  }

  /** A well-formed request over a new connection: the proxy lives, and all that was written before has been read. */
  async probe(): Promise<void> {
    const answer = await talk(this.port, [`GET ${PROBE} HTTP/1.1\r\nHost: a.example\r\n\r\n`], { answers: 1 });
    assert.deepEqual(answer.reader.problems, []);
    // 404 where the lane's rules do not take the probe.
    assert.ok(answer.statuses[0] === 200 || answer.statuses[0] === 404, `the probe got ${show(answer)}`);
  }

  /** After the case: the proxy lives, the origin saw only well-formed requests, and that many of them. */
  async verify(requests: number): Promise<void> {
    await this.probe();
    assert.deepEqual(this.origin.problems, [], 'what the origin read');
    const seen = this.origin.requests.map((message) => message.start.join(' '));
    assert.equal(seen.length, requests, `requests at the origin: ${JSON.stringify(seen)}`);
  }
}

export function show(conversation: Conversation): string {
  return `${conversation.ended}: ${JSON.stringify(conversation.text.slice(0, 400))}`;
}

export interface Refusal {
  /** Legitimate requests that are answered before. */
  readonly before?: number;
  /** The origin may have seen the beginning of the request (its body was at fault), never its end. */
  readonly begun?: boolean;
  /** Closing without an answer is right too. */
  readonly silent?: boolean;
  readonly options?: LaneOptions;
  readonly methods?: readonly string[];
}

/** Sent bytes must be refused with one of the statuses, and the connection closed; nothing of it counts at the origin. */
export function refused(name: string, script: Script | string, statuses: readonly number[], more: Refusal = {}): Case {
  const run = async (lane: Lane) => {
    const answer = await lane.talk(script, more.methods === undefined ? {} : { methods: more.methods });
    assertRefusal(answer, statuses, more);
    await lane.verify(more.before ?? 0);
    if (more.begun !== true) {
      const begun = lane.origin.started.filter((message) => message.start[1] !== PROBE).length;
      assert.equal(begun, more.before ?? 0, 'heads at the origin');
    } else await aborted(lane);
  };
  return more.options === undefined ? { name, run } : { name, run, options: more.options };
}

export function assertRefusal(answer: Conversation, statuses: readonly number[], more: Refusal = {}): void {
  assert.deepEqual(answer.reader.problems, []);
  assert.ok(answer.ended === 'fin' || answer.ended === 'rst', `not closed by the proxy: ${show(answer)}`);
  const before = more.before ?? 0;
  if (more.silent === true && answer.answers.length === before) return;
  assert.equal(answer.answers.length, before + 1, `answers: ${show(answer)}`);
  const last = answer.answers.at(-1)!;
  assert.ok(statuses.includes(statusOf(last)), `${statusOf(last)} is none of ${statuses.join(', ')}: ${show(answer)}`);
  assert.ok(
    valuesOf(last, 'connection').join().toLowerCase().includes('close'),
    `no Connection: close: ${show(answer)}`,
  );
}

/** Whatever the origin has only half of, its connection is gone: nothing else can be read as the rest of it. */
export async function aborted(lane: Lane): Promise<void> {
  const half = lane.origin.connections.filter((connection) => connection.reader.partial !== 'no');
  await Promise.all(half.map((connection) => connection.closed));
}

export interface Forwarded {
  /** Final statuses; `[200]` where nothing is said. */
  readonly statuses?: readonly number[];
  /** Requests at the origin; as many as statuses where nothing is said. */
  readonly requests?: number;
  readonly check?: (requests: readonly Message[], answer: Conversation, lane: Lane) => void | Promise<void>;
  readonly options?: LaneOptions;
  readonly methods?: readonly string[];
  readonly origin?: (origin: Origin) => void;
  readonly patience?: number;
}

/** Sent bytes are legitimate: so many answers, so many requests at the origin, each well-formed. */
export function forwarded(name: string, script: Script | string, more: Forwarded = {}): Case {
  const run = async (lane: Lane) => {
    more.origin?.(lane.origin);
    const statuses = more.statuses ?? [200];
    const answer = await lane.talk(script, {
      answers: statuses.length,
      ...(more.methods === undefined ? {} : { methods: more.methods }),
      ...(more.patience === undefined ? {} : { patience: more.patience }),
    });
    assert.deepEqual(answer.reader.problems, []);
    assert.deepEqual(answer.statuses, statuses, show(answer));
    assert.equal(answer.ended, 'fin', show(answer));
    await lane.verify(more.requests ?? statuses.length);
    await more.check?.(lane.origin.requests, answer, lane);
  };
  return more.options === undefined ? { name, run } : { name, run, options: more.options };
}

/** The proxy must stop reading when what it holds for later is enough. */
export async function bounded(lane: Lane, first: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  lane.origin.onRequest = () => resolve();
  let taken = 0;
  const piece = Buffer.alloc(1 << 20, NEXT);
  const script = [
    first,
    () => promise,
    ...Array.from({ length: 64 }, () => [
      piece,
      () => {
        taken += piece.length;
        return undefined;
      },
    ]).flat(),
  ];
  // Long enough for all that a proxy without a bound would take.
  await lane.talk(script, { patience: 2500 });
  // Kernel buffers of two sockets, and what the proxy may hold.
  assert.ok(taken <= 24 << 20, `${taken} bytes were taken`);
}

/** Either of two outcomes is right. */
export async function either(first: () => Promise<void> | void, second: () => Promise<void> | void): Promise<void> {
  try {
    await first();
  } catch (error) {
    try {
      await second();
    } catch (other) {
      throw new Error(`neither: ${String(error)}; nor: ${String(other)}`, { cause: other });
    }
  }
}

export function suite(title: string, cases: readonly Case[], timeout = 20_000): void {
  void describe(title, { concurrency: 24, timeout: 90_000 }, () => {
    let proxy: TestProxy | undefined;
    let origins: Origin[] = [];
    beforeAll(async () => {
      origins = await Promise.all(cases.map(() => Origin.start()));
      proxy = await startProxy(cases.map((item, index) => ({ ...item.options, origins: [origins[index]!.port] })));
    });
    after(async () => {
      for (const origin of origins) origin.close();
      await proxy?.close();
    });
    for (const [index, item] of cases.entries()) {
      void test(item.name, { timeout }, () => item.run(new Lane(proxy!.ports[index]!, origins[index]!)));
    }
  });
}

/** A request with the usual Host; `fields` are whole lines with CRLF. */
export function request(method: string, target: string, fields = '', body = ''): string {
  return `${method} ${target} HTTP/1.1\r\nHost: a.example\r\n${fields}\r\n${body}`;
}

/** What must never be read as a request of its own. */
export const SMUGGLED = request('GET', '/smuggled');
export const NEXT = request('GET', '/next');
export type { Step };
