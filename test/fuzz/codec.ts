/**
 * Fuzzing of the codec in process: each input is read by the codec and judged by the oracle, and what would be forwarded
 * is read by the strict checker of the robustness tests. Any difference, exception or unfinished loop is a failure.
 */
import assert from 'node:assert/strict';

import { ChunkedDecoder, writeChunkSize } from '../../src/http/chunked.ts';
import { parseRequest } from '../../src/http/parse-request.ts';
import { parseResponse, ResponseHead } from '../../src/http/parse-response.ts';
import { RequestHead } from '../../src/http/request-head.ts';
import { scratch } from '../../src/proxy/worker/buffers.ts';
import type { Client } from '../../src/proxy/worker/client.ts';
import { FRAMING } from '../../src/proxy/worker/phases.ts';
import { writeRequestHead } from '../../src/proxy/worker/request-lines.ts';
import { writeResponseHead } from '../../src/proxy/worker/response-lines.ts';
import type { Target } from '../../src/proxy/worker/tables.ts';
import { valuesOf, WireReader } from '../robustness/checker.ts';
import { answer, chunkedBody, request } from './grammar.ts';
import { judge } from './oracle.ts';
import { mutate, Random } from './random.ts';

export interface CodecFailure {
  readonly kind: string;
  /** latin1 */
  readonly input: string;
  readonly what: string;
}

const ROOM = 1 << 17;
const buffer = new Uint8Array(ROOM);
const head = new RequestHead();
const answerHead = new ResponseHead();

/** The few fields of a client that head writers look at. */
const client = {
  forwarded: Buffer.from('X-Forwarded-For: 127.0.0.1\r\n\r\n'),
  trace: null,
  trusted: false,
  minor: 1,
  keep: true,
  setCookie: '',
  chunkAnswer: false,
  target: null,
  socket: { localAddress: '127.0.0.1', localPort: 80 },
} as unknown as Client;
const target = { edits: null } as unknown as Target;

/** Writes the text at `start`, a zero behind it; returns the end. */
function load(text: string, start = 0): number {
  for (let index = 0; index < text.length; index++) buffer[start + index] = text.charCodeAt(index);
  buffer[start + text.length] = 0;
  return start + text.length;
}

const wholeHead = /^(?:\r\n)*[^\r][^]*?\r\n\r\n/;

/** @throws AssertionError */
export function checkRequest(random: Random, text: string): void {
  const end = load(text);
  const result = parseRequest(head, buffer, 0, end);
  const judgement = judge(text);
  if (result > 0) {
    assert.ok(judgement !== null, 'accepted, though it is no head');
    assert.equal(judgement.refuse, null, 'accepted');
    assert.equal(result, judgement.length, 'length of the head');
    assert.equal(head.bodyLength, judgement.bodyLength, 'body');
    if (!head.isAsterisk) checkForwardedHead(text, judgement);
  } else {
    assert.ok(judgement === null || judgement.refuse !== null, `refused (${result})`);
    if (result === 0) assert.doesNotMatch(text, wholeHead, 'waits for more of a whole head');
  }
  checkCuts(random, text, result);
}

function checkForwardedHead(text: string, judgement: NonNullable<ReturnType<typeof judge>>): void {
  const length = writeRequestHead(client, target, head);
  assert.ok(length > 0);
  const reader = new WireReader('request').push(scratch.area.bytes.subarray(0, length));
  assert.deepEqual(reader.problems, []);
  assert.equal(reader.messages.length, 1, 'heads that would be forwarded');
  const [message] = reader.messages;
  assert.deepEqual(message!.start, [judgement.method, judgement.target, 'HTTP/1.1']);
  if (judgement.host !== null) assert.deepEqual(valuesOf(message!, 'host'), [judgement.host]);
  if (judgement.bodyLength < 0) assert.equal(message!.framing, 'chunked');
  else assert.equal(message!.declared ?? 0, judgement.bodyLength);
  assert.deepEqual(valuesOf(message!, 'x-forwarded-for'), ['127.0.0.1']);
  assert.equal(text.length > 0, true);
}

/** Whatever the cut: unfinished before the end of a good head, the same behind it, never good where the whole is bad. */
function checkCuts(random: Random, text: string, result: number): void {
  for (let left = 3; left > 0; left--) {
    const cut = random.below(text.length + 1);
    const start = random.below(5);
    // What lies behind the cut must not be looked at.
    load(`${'G'.repeat(start)}${text}`);
    buffer[start + cut] = 0;
    const got = parseRequest(head, buffer, start, start + cut);
    const expected = result > 0 && cut >= result ? start + result : 0;
    if (result > 0 || got > 0) assert.equal(got, expected, `cut at ${cut}`);
    if (result === 0) assert.equal(got, 0, `cut at ${cut}`);
  }
}

const STATUS_LINE = /^HTTP\/1\.[0-9] [1-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?\r\n/;
const FIELD_LINES = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n/;

export function checkAnswer(random: Random, text: string): void {
  const end = load(text);
  const result = parseResponse(answerHead, buffer, 0, end);
  if (result > 0) {
    const line = STATUS_LINE.exec(text);
    assert.ok(line !== null, 'status line');
    assert.match(text.slice(line[0].length, result), FIELD_LINES);
    const isHead = random.chance(0.1);
    const minor = random.chance(0.1) ? 0 : 1;
    if (answerHead.status !== 101) checkRelayedHead(isHead, minor);
  } else if (result === 0) assert.doesNotMatch(text, /^[^]*?\r\n\r\n/, 'waits for more of a whole head');
  for (let left = 2; left > 0; left--) {
    const cut = random.below(text.length + 1);
    load(text);
    buffer[cut] = 0;
    const got = parseResponse(answerHead, buffer, 0, cut);
    if (result > 0) assert.equal(got, cut >= result ? result : 0, `cut at ${cut}`);
    else assert.ok(got <= 0, `cut at ${cut}`);
  }
}

function checkRelayedHead(isHead: boolean, minor: number): void {
  const { status } = answerHead;
  Object.assign(client, { minor, keep: true, chunkAnswer: false });
  const bare = isHead || status === 204 || status === 304 || status < 200;
  const framing = bare
    ? FRAMING.none
    : answerHead.chunked
      ? FRAMING.chunked
      : answerHead.hasLength
        ? FRAMING.length
        : FRAMING.close;
  const length = writeResponseHead(client, answerHead, framing);
  const reader = new WireReader('answer');
  if (isHead) reader.methods.push('HEAD');
  reader.push(scratch.area.bytes.subarray(0, length));
  assert.deepEqual(reader.problems, []);
  assert.equal(reader.messages.length, 1, 'heads that would be relayed');
  const [message] = reader.messages;
  assert.equal(message!.start[1], String(status));
  if (minor === 0) assert.deepEqual(valuesOf(message!, 'transfer-encoding'), []);
  else if (framing === FRAMING.close || framing === FRAMING.chunked) assert.equal(message!.framing, 'chunked');
  if (framing === FRAMING.length) assert.equal(message!.declared, answerHead.length);
}

const output = new Uint8Array(ROOM);

interface Decoded {
  readonly verdict: number;
  readonly data: string;
  readonly end: number;
  readonly trailers: string;
}

function decode(text: string, cuts: readonly number[]): Decoded {
  const decoder = new ChunkedDecoder();
  let data = '';
  let from = 0;
  for (const to of [...cuts, text.length]) {
    load(text.slice(from, to));
    const verdict = decoder.decode(buffer, 0, to - from, output, 0);
    if (verdict < 0) return { verdict, data, end: -1, trailers: '' };
    data += Buffer.from(output.buffer, 0, decoder.written).toString('latin1');
    if (verdict === 1) {
      const trailers = Buffer.from(decoder.trailers ?? []).toString('latin1');
      return { verdict, data, end: from + decoder.position, trailers };
    }
    from = to;
  }
  return { verdict: 0, data, end: text.length, trailers: '' };
}

const SIZE_LINE =
  /^([0-9A-Fa-f]{1,16})((?:[ \t]*;[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ \t]*=[ \t]*(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"))?)*)[ \t]*\r\n/;

/** The chunks of a whole body, told by a regular expression; null where it is none. */
function chunksOf(text: string): { data: string; end: number; strange: boolean } | null {
  let rest = text;
  let data = '';
  let strange = false;
  for (;;) {
    const line = SIZE_LINE.exec(rest);
    if (line === null) return null;
    // Blanks around `=` and at the end are "bad white space": refusing them is right as well.
    strange ||= /[ \t]/.test(line[0]);
    const size = Number.parseInt(line[1]!, 16);
    rest = rest.slice(line[0].length);
    if (size === 0) break;
    if (rest.length < size + 2 || rest.slice(size, size + 2) !== '\r\n') return null;
    data += rest.slice(0, size);
    rest = rest.slice(size + 2);
  }
  const trailers = FIELD_LINES.exec(rest);
  if (trailers === null) return null;
  return { data, end: text.length - rest.length + trailers[0].length, strange };
}

const FORBIDDEN =
  /^(?:transfer-encoding|content-[^:]*|host|authorization|cookie|connection|te|trailer|x-forwarded[^:]*|[^:]*_[^:]*):/im;

export function checkChunked(random: Random, text: string): void {
  const whole = decode(text, []);
  const expected = chunksOf(text);
  if (whole.verdict === 1) {
    assert.ok(expected !== null, 'accepted');
    assert.equal(whole.data, expected.data);
    assert.equal(whole.end, expected.end);
    assert.doesNotMatch(whole.trailers, FORBIDDEN);
    checkForwardedBody(whole);
  } else {
    // Extensions and trailers are bounded: only then may a good body be refused.
    assert.ok(expected === null || expected.strange || text.length > 4000, `refused (${whole.verdict})`);
  }
  for (let left = 2; left > 0; left--) {
    const cuts = random.times(4, () => random.below(text.length + 1)).toSorted((a, b) => a - b);
    const got = decode(text, cuts);
    assert.equal(got.verdict, whole.verdict, `cut at ${cuts.join()}`);
    if (whole.verdict >= 0) assert.deepEqual(got, whole, `cut at ${cuts.join()}`);
  }
}

/** Written in chunks of ours, behind a head of ours, it is one message. */
function checkForwardedBody(body: Decoded): void {
  const reader = new WireReader('request');
  reader.push(Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'));
  if (body.data.length > 0) {
    const size = writeChunkSize(output, 0, body.data.length);
    reader.push(output.subarray(0, size));
    reader.push(Buffer.from(`${body.data}\r\n`, 'latin1'));
  }
  reader.push(Buffer.from(`0\r\n${body.trailers}\r\n`, 'latin1'));
  assert.deepEqual(reader.problems, []);
  assert.equal(reader.completed.length, 1);
  assert.equal(reader.partial, 'no');
}

const KINDS = [
  ['request', request, checkRequest],
  ['answer', answer, checkAnswer],
  ['chunked', chunkedBody, checkChunked],
] as const;

/** Inputs and what failed; stops at `most` failures. Input `i` depends on the seed and `i` alone. */
export function fuzzCodec(iterations: number, seed: number, most = 10): { inputs: number; failures: CodecFailure[] } {
  const failures: CodecFailure[] = [];
  let inputs = 0;
  for (; inputs < iterations && failures.length < most; inputs++) {
    const random = new Random(seed * 0x9e3779b1 + inputs);
    const pick = random.next();
    const [kind, make, check] = KINDS[pick < 0.6 ? 0 : pick < 0.8 ? 1 : 2];
    let input = make(random);
    if (random.chance(0.6)) input = mutate(random, input);
    if (random.chance(0.1)) input += make(random);
    try {
      check(random, input);
    } catch (error) {
      failures.push({
        kind,
        input,
        what: `iteration ${inputs}: ${error instanceof Error ? error.message : String(error)}`,
      });
    }
  }
  return { inputs, failures };
}
