/** The request's head as the server gets it: written anew from what was parsed. */
import { FIELD, type RequestHead } from '../../http/request-head.ts';
import { normalisePath, normalisedPath } from '../../http/target.ts';
import { scratch } from './buffers.ts';
import { copyRange, isOneOf, latin1, writeText } from './bytes.ts';
import type { Client } from './client.ts';
import { rewritePath, type Edits } from './edits.ts';
import type { Target } from './tables.ts';

/** @returns its length in the scratch area, or −1 where a rewritten path is none */
export function writeRequestHead(client: Client, target: Target, head: RequestHead): number {
  const out = scratch.area.bytes;
  if (head.special || head.rewriteLine || target.edits !== null || client.trusted || head.hosts === 0)
    return writeAnew(client, target.edits, head, out);
  // the usual case: everything but the empty line as it is, and our lines behind it
  let length = copyRange(head.bytes, head.start, head.end - 2, out, 0);
  if (client.trace !== null) length = writeText(client.trace.line, out, length);
  out.set(client.forwarded, length);
  return length + client.forwarded.length;
}

function writeAnew(client: Client, edits: Edits | null, head: RequestHead, out: Uint8Array): number {
  const bytes = head.bytes;
  let o = 0;
  const sameLine = !head.rewriteLine && (edits === null || edits.path === null);
  const host = edits?.host ?? null;
  if (sameLine && host === null && head.hosts > 0) {
    o = copyFields(client, head, head.start, false, edits?.request?.remove ?? NONE, out, 0);
  } else {
    o = copyRange(bytes, head.start, head.methodEnd, out, 0);
    out[o++] = 0x20;
    o = writeTarget(edits, head, out, o);
    if (o < 0) return -1;
    o = writeText(' HTTP/1.1\r\n', out, o);
    if (host !== null) o = writeText(`Host: ${host}\r\n`, out, o);
    else if (head.isAbsolute) o = writeLine('Host: ', bytes, head.authorityStart, head.authorityEnd, out, o);
    else if (head.hosts === 0) o = writeText(`Host: ${ownAuthority(client)}\r\n`, out, o);
    o = copyFields(client, head, -1, host !== null, edits?.request?.remove ?? NONE, out, o);
  }
  if (!head.plainFraming)
    o = writeText(head.hasLength ? `Content-Length: ${head.bodyLength}\r\n` : 'Transfer-Encoding: chunked\r\n', out, o);
  if (head.upgrade) o = writeText('Connection: Upgrade\r\nUpgrade: websocket\r\n', out, o);
  else if (head.acceptsTrailers) o = writeText('Connection: TE\r\nTE: trailers\r\n', out, o);
  if (edits !== null && edits.request !== null) {
    out.set(edits.request.lines, o);
    o += edits.request.lines.length;
  }
  if (client.trace !== null) o = writeText(client.trace.line, out, o);
  if (client.trusted) return writeText(trustedLines(client, head), out, o);
  out.set(client.forwarded, o);
  return o + client.forwarded.length;
}

const NONE: readonly string[] = [];

/** Copies the fields that go on, in runs; the first run begins at `first` (with the request line), unless that is −1. */
function copyFields(
  client: Client,
  head: RequestHead,
  first: number,
  withoutHost: boolean,
  remove: readonly string[],
  out: Uint8Array,
  at: number,
): number {
  const { bytes, fields, kinds, fieldCount } = head;
  let o = at;
  let run = first;
  for (let i = 0; i < fieldCount; i++) {
    const kind = kinds[i]!;
    let keep = kind === FIELD.plain;
    if (kind === FIELD.expect) keep = head.expectsContinue;
    else if (kind === FIELD.forwarded) keep = client.trusted;
    if (keep && (withoutHost || remove.length > 0)) {
      const start = fields[4 * i]!;
      const end = fields[4 * i + 1]!;
      keep = !(withoutHost && isOneOf(bytes, start, end, HOST)) && !isOneOf(bytes, start, end, remove);
    }
    if (keep && run < 0) run = fields[4 * i]!;
    if (keep || run < 0) continue;
    o = copyRange(bytes, run, fields[4 * i]!, out, o);
    run = -1;
  }
  return run < 0 ? o : copyRange(bytes, run, head.end - 2, out, o);
}

const HOST = ['host'];

/** The normalised path (after a rewrite, if there is one), and the query as it was. */
function writeTarget(edits: Edits | null, head: RequestHead, out: Uint8Array, at: number): number {
  let o: number;
  if (edits !== null && edits.path !== null) {
    const path = rewritePath(edits.path, edits.prefix, latin1(head.pathBytes, head.pathStart, head.pathEnd));
    const text = Buffer.from(path, 'latin1');
    const length = normalisePath(text, 0, text.length);
    if (length < 0) return -1;
    o = copyRange(normalisedPath, 0, length, out, at);
  } else {
    o = copyRange(head.pathBytes, head.pathStart, head.pathEnd, out, at);
  }
  if (!head.hasQuery) return o;
  out[o++] = 0x3f;
  return copyRange(head.bytes, head.queryStart, head.queryEnd, out, o);
}

function writeLine(name: string, bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  const o = copyRange(bytes, start, end, out, writeText(name, out, at));
  return writeText('\r\n', out, o);
}

/** HTTP/1.0 without Host: the server is asked by the address that the client has asked. */
function ownAuthority(client: Client): string {
  const { localAddress = '127.0.0.1', localPort = 80 } = client.socket;
  return localAddress.includes(':') ? `[${localAddress}]:${localPort}` : `${localAddress}:${localPort}`;
}

/** What a trusted peer says of the client before it stays, and the peer is added; ends with the empty line. */
function trustedLines(client: Client, head: RequestHead): string {
  const { bytes, fields, kinds, fieldCount } = head;
  const before: string[] = [];
  const forwarded: string[] = [];
  let proto = false;
  for (let i = 0; i < fieldCount; i++) {
    const name = latin1(bytes, fields[4 * i]!, fields[4 * i + 1]!).toLowerCase();
    if (name === 'x-forwarded-proto') proto = true;
    if (kinds[i] !== FIELD.forwardedFor) continue;
    const value = latin1(bytes, fields[4 * i + 2]!, fields[4 * i + 3]!);
    if (value !== '') (name === 'forwarded' ? forwarded : before).push(value);
  }
  const node = client.peer.includes(':') ? `"[${client.peer}]"` : client.peer;
  forwarded.push(proto ? `for=${node}` : `for=${node};proto=${client.scheme}`);
  const lines = [`X-Forwarded-For: ${[...before, client.peer].join(', ')}`, `Forwarded: ${forwarded.join(', ')}`];
  if (!proto) lines.push(`X-Forwarded-Proto: ${client.scheme}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
