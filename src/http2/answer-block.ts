/**
 * The head of an answer, as the proxy has written it in HTTP/1.1, as a block of fields for a client: from bytes to bytes,
 * without strings. Nothing is put into the dynamic table.
 */
import { spells } from '../http/characters.ts';
import { CR, fieldLine, readFieldLine } from './field-line.ts';
import { NEVER, writeField } from './hpack-writer.ts';

/** What the last block was about. */
export const answered = {
  /** Offset behind the head. */
  end: 0,
  status: 0,
  /** Bytes that follow as its body; −1 = chunks. */
  bodyLength: 0,
  /** Where the value of Sec-WebSocket-Accept stands, of a tunnel; 0 = it is not there. */
  accept: 0,
  acceptEnd: 0,
};

/** The line `HTTP/1.1 200`, without the blank and the phrase that may follow. */
const STATUS_AT = 9;
/** RFC 9112 §4: three digits. */
const STATUS_LENGTH = 3;
/** `:status`, its value written out. */
const STATUS = 0x08;
const INDEXED = 0x80;
/** Statuses that the static table has whole. */
const KNOWN_STATUS: ReadonlyMap<number, number> = new Map([
  [200, 8],
  [204, 9],
  [206, 10],
  [304, 11],
  [400, 12],
  [404, 13],
  [500, 14],
]);
/** What becomes of a field beside its index in the static table; 0 = its name is written out. */
const SKIPPED = -1;
const SWITCHING = 101;

/**
 * Writes the head at the beginning of `head` to `out` at `at`; returns the offset behind. The head is whole and well-formed.
 * @param tunnel a 101 opens it: it is a 200 here, and Sec-WebSocket-Accept is between the server and us (RFC 8441 §5)
 */
export function writeAnswerBlock(head: Uint8Array, tunnel: boolean, out: Uint8Array, at: number): number {
  let status = 0;
  for (let p = STATUS_AT; p < STATUS_AT + STATUS_LENGTH; p++) status = status * 10 + head[p]! - 0x30;
  answered.status = status;
  answered.bodyLength = answered.accept = answered.acceptEnd = 0;
  const opens = tunnel && status === SWITCHING;
  let o = writeStatus(opens ? 200 : status, out, at);
  let p = STATUS_AT + STATUS_LENGTH;
  while (head[p] !== CR) p++;
  p += 2;
  while (head[p] !== CR) {
    p = readFieldLine(head, p);
    const index = classify(head, opens);
    if (index !== SKIPPED) o = writeField(head, index, out, o);
  }
  answered.end = p + 2;
  return o;
}

function writeStatus(status: number, out: Uint8Array, at: number): number {
  const index = KNOWN_STATUS.get(status);
  if (index !== undefined) {
    out[at] = INDEXED | index;
    return at + 1;
  }
  out[at] = STATUS;
  out[at + 1] = STATUS_LENGTH;
  out[at + 2] = 0x30 + Math.floor(status / 100);
  out[at + 3] = 0x30 + (Math.floor(status / 10) % 10);
  out[at + 4] = 0x30 + (status % 10);
  return at + 5;
}

function classify(head: Uint8Array, opens: boolean): number {
  const { name, nameEnd, value, valueEnd } = fieldLine;
  switch (nameEnd - name) {
    case 3:
      if (spells(head, name, 'age')) return 21;
      return spells(head, name, 'via') ? 60 : 0;
    case 4:
      if (spells(head, name, 'date')) return 33;
      if (spells(head, name, 'etag')) return 34;
      if (spells(head, name, 'vary')) return 59;
      return spells(head, name, 'link') ? 45 : 0;
    case 5:
      return spells(head, name, 'allow') ? 22 : 0;
    case 6:
      return spells(head, name, 'server') ? 54 : 0;
    case 7:
      if (spells(head, name, 'expires')) return 36;
      return spells(head, name, 'upgrade') ? SKIPPED : 0;
    case 8:
      return spells(head, name, 'location') ? 46 : 0;
    case 10:
      if (spells(head, name, 'set-cookie')) return 55 + NEVER;
      return spells(head, name, 'connection') || spells(head, name, 'keep-alive') ? SKIPPED : 0;
    case 11:
      return spells(head, name, 'retry-after') ? 53 : 0;
    case 12:
      return spells(head, name, 'content-type') ? 31 : 0;
    case 13:
      if (spells(head, name, 'cache-control')) return 24;
      if (spells(head, name, 'last-modified')) return 44;
      if (spells(head, name, 'accept-ranges')) return 18;
      return spells(head, name, 'content-range') ? 30 : 0;
    case 14:
      if (!spells(head, name, 'content-length')) return spells(head, name, 'http2-settings') ? SKIPPED : 0;
      answered.bodyLength = 0;
      for (let p = value; p < valueEnd; p++) answered.bodyLength = answered.bodyLength * 10 + head[p]! - 0x30;
      return opens ? SKIPPED : 28;
    case 16:
      if (spells(head, name, 'content-encoding')) return 26;
      if (spells(head, name, 'content-language')) return 27;
      return spells(head, name, 'proxy-connection') ? SKIPPED : 0;
    case 17:
      if (!spells(head, name, 'transfer-encoding')) return 0;
      answered.bodyLength = -1;
      return SKIPPED;
    case 20:
      if (!opens || !spells(head, name, 'sec-websocket-accept')) return 0;
      answered.accept = value;
      answered.acceptEnd = valueEnd;
      return SKIPPED;
  }
  return 0;
}
