/**
 * An independent, strict reader of HTTP/1.1 as it may be written by a proxy: incremental, byte for byte. It accepts only
 * canonical framing, so whatever a proxy forwards raw from a hostile peer ends up in `problems`.
 */
import assert from 'node:assert/strict';

export interface Field {
  /** Lower case. */
  readonly name: string;
  /** latin1, without surrounding white space. */
  readonly value: string;
  /** The line as it stood. */
  readonly raw: string;
}

export type Framing = 'none' | 'length' | 'chunked' | 'close';

export interface Message {
  /** Start line, split: [method, target, version] or [version, status, reason]. */
  readonly start: readonly [string, string, string];
  readonly fields: readonly Field[];
  readonly framing: Framing;
  /** Declared Content-Length; null where there is none. */
  readonly declared: number | null;
  /** Of the body as read so far. */
  length: number;
  chunks: number;
  /** The first bytes of the body, at most `KEEP`. */
  body: string;
  trailers: readonly Field[];
  complete: boolean;
}

const KEEP = 1 << 20;
const MAX_HEAD = 1 << 18;
const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const VALUE = '(?:[\\x21-\\x7e\\x80-\\xff](?:[\\t\\x20-\\x7e\\x80-\\xff]*[\\x21-\\x7e\\x80-\\xff])?)?';
const FIELD = new RegExp(`^(${TOKEN}):[ \\t]*(${VALUE})[ \\t]*$`);
/** Origin-form: RFC 3986 path characters and `|[]`, which browsers send raw; a query is 0x21–0x7E but `#`. */
const TARGET = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/|[\]]|%[0-9A-Fa-f]{2})*(?:\?[\x21\x22\x24-\x7e]*)?$/;
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([^ ]+) (HTTP/1\\.1)$`);
const STATUS_LINE = /^(HTTP\/1\.1) ([1-9][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)$/;
const CONTENT_LENGTH = /^content-length: (0|[1-9][0-9]{0,14})$/i;
const CHUNK_SIZE = /^[0-9A-Fa-f]{1,16}$/;
const NEVER = ['keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization'];
const NEVER_IN_REQUESTS = ['http2-settings'];
const OPTIONS = ['close', 'keep-alive', 'upgrade', 'te'];

export type Side = 'request' | 'answer';

type State = 'head' | 'length' | 'size' | 'data' | 'data-end' | 'trailers' | 'close' | 'tunnel' | 'broken';

export class WireReader {
  readonly messages: Message[] = [];
  readonly problems: string[] = [];
  /** Methods of the requests that the answers belong to, in order; GET where none is given. */
  readonly methods: string[] = [];
  /** Called when a head, and when a whole message has been read. */
  onHead: (message: Message) => void = () => {};
  onComplete: (message: Message) => void = () => {};
  /** What came after `tunnel()`. */
  tunnelled: string = '';
  received = 0;
  private text = '';
  private at = 0;
  private state: State = 'head';
  private left = 0;
  private trailers: Field[] = [];
  private finals = 0;
  private readonly side: Side;

  constructor(side: Side) {
    this.side = side;
  }

  push(bytes: Uint8Array): this {
    this.received += bytes.length;
    const more = latin1(bytes);
    this.text = this.at === this.text.length ? more : this.text.slice(this.at) + more;
    this.at = 0;
    while (this.step());
    return this;
  }

  /** From here on the connection is no longer HTTP. */
  tunnel(): void {
    this.state = 'tunnel';
    this.step();
  }

  /** The peer has sent FIN. */
  end(): void {
    const last = this.messages.at(-1);
    if (this.state === 'close' && last !== undefined) this.complete(last);
  }

  /** Something begun and not finished: a part of a head, or a message without its end. */
  get partial(): 'no' | 'head' | 'body' {
    if (this.state === 'tunnel' || this.state === 'broken') return 'no';
    if (this.state === 'head') return this.at < this.text.length ? 'head' : 'no';
    return 'body';
  }

  get completed(): Message[] {
    return this.messages.filter((message) => message.complete);
  }

  private step(): boolean {
    const { text, at } = this;
    switch (this.state) {
      case 'head': {
        const end = text.indexOf('\r\n\r\n', at);
        if (end < 0) {
          // What can no longer become a head is reported at once: it may be all that ever comes.
          const lines = text.slice(at).split('\r\n');
          lines.pop();
          if (lines.length > 0) this.startLine(lines[0]!);
          if (text.length - at > MAX_HEAD) this.problem(`a head of more than ${MAX_HEAD} bytes`);
          return false;
        }
        this.at = end + 4;
        this.head(text.slice(at, end));
        return this.at < text.length;
      }
      case 'length':
      case 'data': {
        const take = Math.min(this.left, text.length - at);
        this.body(text, at, at + take);
        this.left -= take;
        if (this.left > 0) return false;
        if (this.state === 'data') this.state = 'data-end';
        else this.complete(this.messages.at(-1)!);
        return true;
      }
      case 'data-end':
        if (text.length - at < 2) return false;
        if (text.slice(at, at + 2) !== '\r\n')
          return this.problem(`chunk data not followed by CRLF: ${show(text, at)}`);
        this.at += 2;
        this.state = 'size';
        return true;
      case 'size': {
        const end = text.indexOf('\r\n', at);
        if (end < 0 && text.length - at > 18) return this.problem(`chunk size: ${show(text, at)}`);
        if (end < 0) return false;
        const size = text.slice(at, end);
        if (!CHUNK_SIZE.test(size)) return this.problem(`chunk size: ${JSON.stringify(size)}`);
        this.at = end + 2;
        this.left = Number.parseInt(size, 16);
        this.messages.at(-1)!.chunks++;
        this.state = this.left === 0 ? 'trailers' : 'data';
        return true;
      }
      case 'trailers': {
        const end = text.indexOf('\r\n', at);
        if (end < 0) return false;
        this.at = end + 2;
        if (end > at) {
          const field = this.field(text.slice(at, end), 'trailer');
          if (field !== null) this.trailers.push(field);
          return true;
        }
        const message = this.messages.at(-1)!;
        message.trailers = this.trailers;
        this.trailers = [];
        this.complete(message);
        return true;
      }
      case 'close':
        this.body(text, at, text.length);
        return false;
      case 'tunnel':
        this.tunnelled += text.slice(at);
        break;
      case 'broken':
        break;
    }
    this.at = text.length;
    return false;
  }

  private body(text: string, from: number, to: number): void {
    const message = this.messages.at(-1)!;
    message.length += to - from;
    if (message.body.length < KEEP) message.body += text.slice(from, to);
    this.at = to;
  }

  private complete(message: Message): void {
    // A listener of the head may have turned the connection into a tunnel.
    if (this.state !== 'tunnel') this.state = 'head';
    message.complete = true;
    this.onComplete(message);
  }

  private problem(what: string): false {
    this.problems.push(what);
    this.state = 'broken';
    return false;
  }

  private field(line: string, where: string): Field | null {
    const match = FIELD.exec(line);
    if (match === null) {
      this.problem(`${where} line: ${JSON.stringify(line)}`);
      return null;
    }
    return { name: match[1]!.toLowerCase(), value: match[2]!, raw: line };
  }

  private startLine(line: string): [string, string, string] | null {
    const match = (this.side === 'request' ? REQUEST_LINE : STATUS_LINE).exec(line);
    if (match === null) {
      this.problem(`start line: ${JSON.stringify(line.slice(0, 200))}`);
      return null;
    }
    if (this.side === 'request' && !TARGET.test(match[2]!)) this.problems.push(`target: ${JSON.stringify(match[2])}`);
    return [match[1]!, match[2]!, match[3]!];
  }

  private head(text: string): void {
    const lines = text.split('\r\n');
    const start = this.startLine(lines[0]!);
    if (start === null) return;
    const fields: Field[] = [];
    for (const line of lines.slice(1)) {
      const field = this.field(line, 'field');
      if (field === null) return;
      fields.push(field);
    }
    const bad = this.side === 'request' ? this.requestFields(fields) : this.answerFields(fields);
    this.problems.push(...bad);
    const lengths = fields.filter((field) => field.name === 'content-length');
    const codings = fields.filter((field) => field.name === 'transfer-encoding');
    if (lengths.length + codings.length > 1) {
      this.problem(`framing is not one: ${JSON.stringify([...lengths, ...codings].map((field) => field.raw))}`);
      return;
    }
    let declared: number | null = null;
    if (lengths.length === 1) {
      const match = CONTENT_LENGTH.exec(lengths[0]!.raw);
      if (match === null) {
        this.problem(`not canonical: ${JSON.stringify(lengths[0]!.raw)}`);
        return;
      }
      declared = Number(match[1]);
    }
    if (codings.length === 1 && !/^transfer-encoding: chunked$/i.test(codings[0]!.raw)) {
      this.problem(`not canonical: ${JSON.stringify(codings[0]!.raw)}`);
      return;
    }
    this.begin(start, fields, declared, codings.length === 1);
  }

  private begin(start: [string, string, string], fields: Field[], declared: number | null, chunked: boolean): void {
    let framing: Framing = chunked ? 'chunked' : declared !== null && declared > 0 ? 'length' : 'none';
    if (this.side === 'answer') {
      const status = Number(start[1]);
      const interim = status < 200 && status !== 101;
      const method = interim ? '' : (this.methods[this.finals++] ?? 'GET');
      if (status < 200 || status === 204) {
        if (declared !== null || chunked) this.problems.push(`${status} with framing fields`);
        framing = 'none';
      } else if (method === 'HEAD' || status === 304) framing = 'none';
      else if (!chunked && declared === null) framing = 'close';
    }
    const message: Message = {
      start,
      fields,
      framing,
      declared,
      length: 0,
      chunks: 0,
      body: '',
      trailers: [],
      complete: false,
    };
    this.messages.push(message);
    this.left = declared ?? 0;
    this.state = framing === 'none' ? 'head' : framing === 'chunked' ? 'size' : framing;
    this.onHead(message);
    if (framing === 'none') this.complete(message);
  }

  private requestFields(fields: readonly Field[]): string[] {
    const problems = hopByHop(fields);
    const hosts = fields.filter((field) => field.name === 'host');
    if (hosts.length !== 1) problems.push(`${hosts.length} Host fields`);
    for (const { value } of hosts) {
      if (!/^(?:[A-Za-z0-9\-._~!$&'()*+;=%]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?$/.test(value)) {
        problems.push(`Host: ${JSON.stringify(value)}`);
      }
    }
    for (const { name, raw } of fields) {
      if (NEVER_IN_REQUESTS.includes(name)) problems.push(`hop-by-hop: ${JSON.stringify(raw)}`);
      if (name.includes('_')) problems.push(`a name with an underscore: ${JSON.stringify(raw)}`);
      if (name === 'te' && raw.toLowerCase() !== 'te: trailers') problems.push(`TE: ${JSON.stringify(raw)}`);
    }
    return problems;
  }

  private answerFields(fields: readonly Field[]): string[] {
    return hopByHop(fields.filter((field) => field.name !== 'keep-alive'));
  }
}

function hopByHop(fields: readonly Field[]): string[] {
  const problems: string[] = [];
  for (const { name, value, raw } of fields) {
    if (NEVER.includes(name)) problems.push(`hop-by-hop: ${JSON.stringify(raw)}`);
    if (name !== 'connection') continue;
    for (const option of value.split(',')) {
      if (!OPTIONS.includes(option.trim().toLowerCase())) problems.push(`Connection: ${JSON.stringify(value)}`);
    }
  }
  return problems;
}

function show(text: string, at: number): string {
  return JSON.stringify(text.slice(at, at + 40));
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

export function valuesOf(message: Message, name: string): string[] {
  return message.fields.filter((field) => field.name === name).map((field) => field.value);
}

/**
 * All bytes that one connection to an origin carried: each head by the grammar, framing canonical and one, nothing
 * hop-by-hop. Answers the requests; throws AssertionError with what was found.
 */
export function checkOriginSide(bytes: Uint8Array): Message[] {
  const reader = new WireReader('request').push(bytes);
  assert.deepEqual(reader.problems, []);
  return reader.messages;
}
