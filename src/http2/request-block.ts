/**
 * The head of a request, as the proxy has written it in HTTP/1.1, as a block of fields: from bytes to bytes, without strings.
 * Nothing is put into the dynamic table, and what is nobody else's business is marked as never to be (RFC 7541 §6.2.3).
 */
import { spells } from '../http/characters.ts';
import { CR, SP, fieldLine, readFieldLine } from './field-line.ts';
import { NEVER, writeField, writeString } from './hpack-writer.ts';
import type { KnownFields } from './known-fields.ts';

/** What the last block was about. */
export const written = {
  /** Offset behind the head. */
  end: 0,
  isHead: false,
  /** Bytes that follow as its body; −1 = chunks. */
  bodyLength: 0,
};

/**
 * Writes the head at the beginning of `head` to `out` at `at`; returns the offset behind. The head is whole and well-formed.
 * @param secure the scheme is https
 * @param tunnel it asks for an upgrade to websocket: an extended CONNECT (RFC 8441 §4)
 * @param known what this client's fields were; they are replaced by the present ones. Those of a tunnel are no other request's
 */
export function writeRequestBlock(
  head: Uint8Array,
  secure: boolean,
  tunnel: boolean,
  known: KnownFields | null,
  out: Uint8Array,
  at: number,
): number {
  let p = 0;
  while (head[p] !== SP) p++;
  let o = writeMethod(head, p, out, at);
  if (tunnel) {
    out.set(EXTENDED_CONNECT, at);
    o = at + EXTENDED_CONNECT.length;
  }
  out[o++] = secure ? 0x87 : 0x86;
  const target = ++p;
  while (head[p] !== SP) p++;
  out[o++] = 0x04;
  o = writeString(head, target, p, out, o);
  p += REST_OF_LINE;
  const before = tunnel ? null : known;
  if (before !== null && before.isAt(head, p)) {
    out.set(before.block, o);
    written.bodyLength = before.bodyLength;
    written.end = p + before.length;
    return o + before.block.length;
  }
  const fields = p;
  const block = o;
  o = writeAuthority(head, p, out, o);
  written.bodyLength = 0;
  while (head[p] !== CR) {
    p = readFieldLine(head, p);
    const index = classify(head);
    const goesOn = index !== SKIPPED && !(tunnel && isOfNoTunnel(head));
    if (goesOn) o = writeField(head, index, out, o);
  }
  written.end = p + 2;
  if (before !== null) before.keep(head, fields, written.end, out, block, o, written.bodyLength);
  return o;
}

/** ` HTTP/1.1` and CRLF */
const REST_OF_LINE = 11;

const literal = (text: string): number[] => [text.length, ...Buffer.from(text, 'latin1')];
/** `:method: CONNECT` and `:protocol: websocket`, the latter with its name written out. */
const EXTENDED_CONNECT = Uint8Array.from([
  0x02,
  ...literal('CONNECT'),
  0x00,
  ...literal(':protocol'),
  ...literal('websocket'),
]);

/** RFC 8441 §5: the key is between the client and us; and what follows is no content. */
function isOfNoTunnel(head: Uint8Array): boolean {
  const { name, nameEnd } = fieldLine;
  const length = nameEnd - name;
  return (
    (length === 14 && spells(head, name, 'content-length')) ||
    (length === 17 && spells(head, name, 'sec-websocket-key'))
  );
}

/** What becomes of a field beside its index in the static table; 0 = its name is written out. */
const SKIPPED = -1;

function writeMethod(head: Uint8Array, end: number, out: Uint8Array, at: number): number {
  written.isHead = end === 4 && head[0] === 0x48 && head[1] === 0x45 && head[2] === 0x41 && head[3] === 0x44;
  if (end === 3 && head[0] === 0x47 && head[1] === 0x45 && head[2] === 0x54) {
    out[at] = 0x82;
    return at + 1;
  }
  if (end === 4 && head[0] === 0x50 && head[1] === 0x4f && head[2] === 0x53 && head[3] === 0x54) {
    out[at] = 0x83;
    return at + 1;
  }
  out[at] = 0x02;
  return writeString(head, 0, end, out, at + 1);
}

/** Pseudo-fields come first, wherever Host stands. */
function writeAuthority(head: Uint8Array, start: number, out: Uint8Array, at: number): number {
  for (let p = start; head[p] !== CR;) {
    p = readFieldLine(head, p);
    const { name, nameEnd, value, valueEnd } = fieldLine;
    if (nameEnd - name !== 4 || !spells(head, name, 'host')) continue;
    out[at] = 0x01;
    return writeString(head, value, valueEnd, out, at + 1);
  }
  return at;
}

function classify(head: Uint8Array): number {
  const { name, nameEnd, value, valueEnd } = fieldLine;
  switch (nameEnd - name) {
    case 2:
      // nothing but `trailers` is written there
      return 0;
    case 4:
      return spells(head, name, 'host') ? SKIPPED : 0;
    case 5:
      return spells(head, name, 'range') ? 50 : 0;
    case 6:
      if (spells(head, name, 'accept')) return 19;
      return spells(head, name, 'cookie') ? 32 + NEVER : 0;
    case 7:
      if (spells(head, name, 'referer')) return 51;
      return spells(head, name, 'upgrade') ? SKIPPED : 0;
    case 10:
      if (spells(head, name, 'user-agent')) return 58;
      return spells(head, name, 'connection') || spells(head, name, 'keep-alive') ? SKIPPED : 0;
    case 12:
      return spells(head, name, 'content-type') ? 31 : 0;
    case 13:
      if (spells(head, name, 'authorization')) return 23 + NEVER;
      if (spells(head, name, 'cache-control')) return 24;
      return spells(head, name, 'if-none-match') ? 41 : 0;
    case 14:
      if (!spells(head, name, 'content-length')) return 0;
      written.bodyLength = 0;
      for (let p = value; p < valueEnd; p++) written.bodyLength = written.bodyLength * 10 + head[p]! - 48;
      return 28;
    case 15:
      if (spells(head, name, 'accept-encoding')) return 16;
      return spells(head, name, 'accept-language') ? 17 : 0;
    case 16:
      return spells(head, name, 'proxy-connection') ? SKIPPED : 0;
    case 17:
      if (spells(head, name, 'transfer-encoding')) {
        written.bodyLength = -1;
        return SKIPPED;
      }
      return spells(head, name, 'if-modified-since') ? 40 : 0;
  }
  return 0;
}
