/**
 * Answers of streams, put together in HTTP/1.1: what one read has of a stream goes to its user as one, the head with the
 * DATA behind it. It lies where reads of connections lie (the shared buffer), so that the relay takes it as one of those:
 * whoever carries streams reads into a buffer of its own meanwhile. What most answers are, a plain head and content with a
 * length, is handed over as it is: the head that was looked up, and the DATA where it was read.
 */
import { writeChunkSize } from '../../http/chunked.ts';
import type { KnownHead } from '../../http2/known-heads.ts';
import { READ_SIZE, input } from './buffers.ts';
import { writeText } from './bytes.ts';
import { ANSWER, type UpstreamStream } from './upstream-stream.ts';

/** Of a chunk: its size and what is around it. */
const AROUND = 24;

let current: UpstreamStream | null = null;
/** Of what is in the shared buffer. */
let length = 0;
/** Where the DATA of the present stream was read, if it is left there: `place[from … to)`. */
let place: Uint8Array | null = null;
let from = 0;
let to = 0;

/** A whole head, which waits for the DATA behind it unless it is `flush`ed. */
export function putHead(stream: UpstreamStream, head: KnownHead): void {
  stream.head = head;
}

/** `bytes[start … end)` of DATA. Nobody else needs what is in front of it. */
export function putData(stream: UpstreamStream, bytes: Uint8Array, start: number, end: number): void {
  if (stream.head !== null && stream.head.isPlain && stream.answer === ANSWER.length && !stream.inflow.isKeeping) {
    if (current !== stream) {
      flush();
      current = stream;
      place = bytes;
      from = to = start;
    }
    // the head of a frame lies between what there is and what comes
    if (to < start) bytes.copyWithin(to, start, end);
    to += end - start;
    return;
  }
  const isChunked = stream.answer === ANSWER.chunked;
  turnTo(stream);
  let p = start;
  while (p < end) {
    if (length + AROUND >= READ_SIZE) {
      flush();
      turnTo(stream);
    }
    const size = Math.min(end - p, READ_SIZE - length - AROUND);
    if (isChunked) length = writeChunkSize(input, length, size);
    input.set(bytes.subarray(p, p + size), length);
    length += size;
    p += size;
    if (!isChunked) continue;
    input[length++] = 0x0d;
    input[length++] = 0x0a;
  }
}

/** The answer is whole; `trailers`: lines, each with its CRLF. */
export function putEnd(stream: UpstreamStream, trailers: string): void {
  if (place !== null && current === stream) {
    flush();
    return;
  }
  turnTo(stream);
  if (stream.answer === ANSWER.chunked) {
    if (length + trailers.length + AROUND > READ_SIZE) {
      flush();
      turnTo(stream);
    }
    length = writeText(`0\r\n${trailers}\r\n`, input, length);
  }
  flush();
  if (stream.answer === ANSWER.tunnel) stream.serverEnded();
}

function turnTo(stream: UpstreamStream): void {
  if (current !== stream) {
    flush();
    current = stream;
  }
  if (stream.head === null) return;
  const head = stream.head.bytes;
  stream.head = null;
  if (head.length + AROUND > READ_SIZE) {
    pass(stream, head);
    current = stream;
    return;
  }
  input.set(head, length);
  length += head.length;
}

/** A head that is longer than a read goes in parts. */
function pass(stream: UpstreamStream, bytes: Uint8Array): void {
  for (let p = 0; p < bytes.length; p += READ_SIZE) {
    const part = bytes.subarray(p, p + READ_SIZE);
    input.set(part);
    length = part.length;
    current = stream;
    flush();
  }
}

/** Hands over what there is of the present stream. */
export function flush(): void {
  const stream = current;
  const end = length;
  current = null;
  length = 0;
  if (place !== null) {
    handOverInPlace(stream!);
    return;
  }
  if (stream === null || stream.gone || end === 0) return;
  if (stream.inflow.isKeeping) {
    stream.inflow.keep(input, 0, end);
    return;
  }
  handOver(stream, end);
}

/** A head that nothing came behind. */
export function flushHead(stream: UpstreamStream): void {
  if (stream.head === null || stream.gone) return;
  turnTo(stream);
  flush();
}

/** `input[0 … end)` */
function handOver(stream: UpstreamStream, end: number): void {
  try {
    stream.user?.answered(stream, input, end);
  } catch (error) {
    stream.fail(error);
  }
}

function handOverInPlace(stream: UpstreamStream): void {
  const bytes = place!;
  const { head } = stream;
  place = stream.head = null;
  if (stream.gone || head === null) return;
  try {
    stream.user?.recognised(stream, head, bytes, from, to);
  } catch (error) {
    stream.fail(error);
  }
}

/** What was kept while the stream was paused. */
export function deliverKept(stream: UpstreamStream): void {
  const { inflow } = stream;
  while (!stream.paused && !stream.gone) {
    const end = inflow.takeKept(input);
    if (end === 0) break;
    handOver(stream, end);
  }
  if (inflow.endIsKept) stream.serverEnded();
  stream.giveCredit();
}
