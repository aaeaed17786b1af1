/** The answer's head as the client gets it: written anew from what was parsed. */
import type { ResponseHead } from '../../http/parse-response.ts';
import { FIELD } from '../../http/request-head.ts';
import { scratch } from './buffers.ts';
import { copyRange, isOneOf, writeText } from './bytes.ts';
import type { Client } from './client.ts';
import { FRAMING } from './phases.ts';

/** @returns its length in the scratch area */
export function writeResponseHead(client: Client, head: ResponseHead, framing: number): number {
  const out = scratch.area.bytes;
  const edits = client.target?.edits?.response ?? null;
  // 98: neither framing field belongs to a 204; HTTP/1.0 has no chunks
  const bare = head.status === 204 || head.status < 200;
  const keepFraming = !bare && head.plainFraming && (!head.chunked || client.minor === 1);
  let o: number;
  if (!head.special && head.plainLine && edits === null && !bare && keepFraming) {
    // with the empty line, which what follows is put over: a head that was looked up is copied whole then
    o = copyRange(head.bytes, head.start, head.end, out, 0) - 2;
  } else {
    o = copyLines(head, edits?.remove ?? NONE, keepFraming, out);
    if (!keepFraming && !bare) o = writeFraming(client, head, out, o);
    if (edits !== null) {
      out.set(edits.lines, o);
      o += edits.lines.length;
    }
  }
  client.chunkAnswer = false;
  if (framing === FRAMING.close && client.minor === 1) {
    client.chunkAnswer = true;
    o = writeText('Transfer-Encoding: chunked\r\n', out, o);
  } else if (framing === FRAMING.chunked && client.minor === 1) {
    client.chunkAnswer = true;
  }
  if (client.setCookie !== '') o = writeText(client.setCookie, out, o);
  if (head.status < 200) return writeText('\r\n', out, o);
  if (!client.keep) o = writeText('Connection: close\r\n', out, o);
  else if (client.minor === 0) o = writeText('Connection: keep-alive\r\n', out, o);
  return writeText('\r\n', out, o);
}

function writeFraming(client: Client, head: ResponseHead, out: Uint8Array, at: number): number {
  if (head.hasLength) return writeText(`Content-Length: ${head.length}\r\n`, out, at);
  return head.chunked && client.minor === 1 ? writeText('Transfer-Encoding: chunked\r\n', out, at) : at;
}

/** `101 Switching Protocols`: the two fields that belong to this connection are ours to write. */
export function writeSwitchingHead(client: Client, head: ResponseHead): number {
  const out = scratch.area.bytes;
  let o = copyLines(head, client.target?.edits?.response?.remove ?? NONE, false, out);
  o = writeText('Connection: Upgrade\r\nUpgrade: websocket\r\n', out, o);
  if (client.setCookie !== '') o = writeText(client.setCookie, out, o);
  return writeText('\r\n', out, o);
}

const NONE: readonly string[] = [];
/** Length of `HTTP/1.1 200` CRLF: a status line without the blank that RFC 9112 §4 asks for. */
const NO_BLANK = 14;

/** Copies the status line and the fields that go on, in runs. */
function copyLines(head: ResponseHead, remove: readonly string[], keepFraming: boolean, out: Uint8Array): number {
  const { bytes, fields, kinds, fieldCount } = head;
  let o = 0;
  let run = head.start;
  if (!head.plainLine) {
    o = writeText('HTTP/1.1 ', out, 0);
    o = copyRange(bytes, head.start + 9, head.fieldsStart - 2, out, o);
    o = writeText(head.fieldsStart - head.start === NO_BLANK ? ' \r\n' : '\r\n', out, o);
    run = -1;
  }
  for (let i = 0; i < fieldCount; i++) {
    const kind = kinds[i];
    let keep = kind === FIELD.plain;
    if (kind === FIELD.contentLength || kind === FIELD.transferEncoding) keep = keepFraming;
    else if (keep && remove.length > 0) keep = !isOneOf(bytes, fields[4 * i]!, fields[4 * i + 1]!, remove);
    if (keep && run < 0) run = fields[4 * i]!;
    if (keep || run < 0) continue;
    o = copyRange(bytes, run, fields[4 * i]!, out, o);
    run = -1;
  }
  return run < 0 ? o : copyRange(bytes, run, head.end - 2, out, o);
}
