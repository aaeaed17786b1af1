/**
 * Chunked bodies (RFC 9112 §7.1), as a resumable machine: data out, extensions dropped, trailers kept aside. Strict:
 * no bare LF, no blanks around sizes, at most 16 hexadecimal digits and 2^53−1 bytes per chunk, bounded extensions and
 * trailers (23–37).
 */
import { HEX, TOKEN, VALUE, spells } from './characters.ts';

const MORE = 0;
const DONE = 1;
const BAD = -1;

/** Bytes of extensions in one message. */
const MAX_EXTENSIONS = 4096;
const MAX_TRAILERS = 16_384;
const MAX_TRAILER_LINES = 100;

const SIZE = 0;
const SIZE_MORE = 1;
const EXTENSION = 2;
const EXTENSION_NAME = 3;
const EXTENSION_VALUE_START = 4;
const EXTENSION_TOKEN = 5;
const EXTENSION_QUOTED = 6;
const EXTENSION_ESCAPE = 7;
const EXTENSION_END = 8;
const SIZE_LF = 9;
const DATA = 10;
const DATA_CR = 11;
const DATA_LF = 12;
const TRAILER_START = 13;
const TRAILER_NAME = 14;
const TRAILER_VALUE = 15;
const TRAILER_LF = 16;
const END_LF = 17;
const EXTENSION_NAME_START = 18;

export class ChunkedDecoder {
  /** Where the last `decode` stopped: behind the message when it is done, else the end of its input. */
  position = 0;
  /** Bytes of data that the last `decode` wrote. */
  written = 0;
  /** Complete trailer lines with their CRLFs, those that may not be trailers left out; null where there were none. */
  trailers: number[] | null = null;
  private state = SIZE;
  private left = 0;
  private digits = 0;
  private extensionBytes = 0;
  private trailerBytes = 0;
  private trailerLines = 0;
  private line: number[] = [];

  reset(): void {
    this.state = SIZE;
    this.left = this.digits = this.extensionBytes = this.trailerBytes = this.trailerLines = 0;
    this.trailers = null;
    this.line.length = 0;
  }

  /**
   * Reads `input[start … end)`, writes the data of its chunks to `output` from `at` on (which needs end − start bytes).
   * @returns 0 = the message goes on, 1 = it is complete, −1 = it is malformed
   */
  decode(input: Uint8Array, start: number, end: number, output: Uint8Array, at: number): number {
    let p = start;
    let o = at;
    let state = this.state;
    while (p < end) {
      const c = input[p]!;
      switch (state) {
        case SIZE:
        case SIZE_MORE: {
          const digit = HEX[c]!;
          if (digit < 16) {
            if (++this.digits > 16 || this.left > 0x1ffffffffffff) return BAD;
            this.left = this.left * 16 + digit;
            state = SIZE_MORE;
          } else if (state === SIZE) {
            return BAD;
          } else if (c === 0x0d) {
            state = SIZE_LF;
          } else if (c === 0x3b) {
            state = EXTENSION_NAME_START;
          } else if (c === 0x20 || c === 0x09) {
            state = EXTENSION;
          } else {
            return BAD;
          }
          p++;
          break;
        }
        case SIZE_LF:
          if (c !== 0x0a) return BAD;
          p++;
          this.digits = 0;
          state = this.left === 0 ? TRAILER_START : DATA;
          break;
        case DATA: {
          const length = Math.min(this.left, end - p);
          copy(input, p, output, o, length);
          p += length;
          o += length;
          this.left -= length;
          if (this.left === 0) state = DATA_CR;
          break;
        }
        case DATA_CR:
          if (c !== 0x0d) return BAD;
          p++;
          state = DATA_LF;
          break;
        case DATA_LF:
          if (c !== 0x0a) return BAD;
          p++;
          state = SIZE;
          break;
        case END_LF:
          if (c !== 0x0a) return BAD;
          this.position = p + 1;
          this.written = o - at;
          this.state = SIZE;
          return DONE;
        case TRAILER_START:
        case TRAILER_NAME:
        case TRAILER_VALUE:
        case TRAILER_LF:
          state = this.trailer(state, c);
          if (state < 0) return BAD;
          p++;
          break;
        default:
          state = this.extension(state, c);
          if (state < 0) return BAD;
          p++;
      }
    }
    this.state = state;
    this.position = p;
    this.written = o - at;
    return MORE;
  }

  /** `BWS ";" BWS name [ BWS "=" BWS ( token | quoted-string ) ]`, repeated; a blank must lead to a semicolon. */
  private extension(state: number, c: number): number {
    if (++this.extensionBytes > MAX_EXTENSIONS) return BAD;
    const blank = c === 0x20 || c === 0x09;
    const token = TOKEN[c] !== 0 || c === 0x5f;
    switch (state) {
      case EXTENSION:
        return blank ? EXTENSION : c === 0x3b ? EXTENSION_NAME_START : BAD;
      case EXTENSION_NAME_START:
        return blank ? EXTENSION_NAME_START : token ? EXTENSION_NAME : BAD;
      case EXTENSION_NAME:
        if (token) return EXTENSION_NAME;
        return c === 0x3d ? EXTENSION_VALUE_START : this.extensionEnd(c);
      case EXTENSION_VALUE_START:
        return blank ? EXTENSION_VALUE_START : c === 0x22 ? EXTENSION_QUOTED : token ? EXTENSION_TOKEN : BAD;
      case EXTENSION_TOKEN:
        return token ? EXTENSION_TOKEN : this.extensionEnd(c);
      case EXTENSION_QUOTED:
        if (c === 0x22) return EXTENSION_END;
        return c === 0x5c ? EXTENSION_ESCAPE : VALUE[c] !== 0 ? EXTENSION_QUOTED : BAD;
      case EXTENSION_ESCAPE:
        return VALUE[c] !== 0 ? EXTENSION_QUOTED : BAD;
      default:
        return this.extensionEnd(c);
    }
  }

  private extensionEnd(c: number): number {
    if (c === 0x0d) return SIZE_LF;
    if (c === 0x3b) return EXTENSION_NAME_START;
    return c === 0x20 || c === 0x09 ? EXTENSION : BAD;
  }

  private trailer(state: number, c: number): number {
    if (++this.trailerBytes > MAX_TRAILERS) return BAD;
    const line = this.line;
    switch (state) {
      case TRAILER_START:
        if (c === 0x0d) return END_LF;
        if (++this.trailerLines > MAX_TRAILER_LINES) return BAD;
        line.length = 0;
        if (TOKEN[c] === 0 && c !== 0x5f) return BAD;
        line.push(c);
        return TRAILER_NAME;
      case TRAILER_NAME:
        line.push(c);
        if (c === 0x3a) return TRAILER_VALUE;
        return TOKEN[c] !== 0 || c === 0x5f ? TRAILER_NAME : BAD;
      case TRAILER_VALUE:
        line.push(c);
        if (c === 0x0d) return TRAILER_LF;
        return VALUE[c] !== 0 ? TRAILER_VALUE : BAD;
      default:
        if (c !== 0x0a) return BAD;
        line.push(c);
        if (mayBeTrailer(line)) this.trailers = (this.trailers ?? []).concat(line);
        return TRAILER_START;
    }
  }
}

const NEVER = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'upgrade',
  'transfer-encoding',
  'host',
  'authorization',
  'cookie',
  'set-cookie',
  'forwarded',
  'x-real-ip',
  'expect',
  'cache-control',
  'max-forwards',
  'range',
  'age',
  'date',
  'expires',
  'location',
  'retry-after',
  'vary',
  'warning',
  'www-authenticate',
];
const NEVER_PREFIX = ['content-', 'x-forwarded', 'if-', 'access-control-'];

/** Fields that a recipient acts on before the body must not come behind it (RFC 9110 §6.5.1). */
function mayBeTrailer(line: readonly number[]): boolean {
  const bytes = Uint8Array.from(line);
  const length = bytes.indexOf(0x3a);
  if (bytes.subarray(0, length).includes(0x5f)) return false;
  return (
    !NEVER.some((name) => name.length === length && spells(bytes, 0, name)) &&
    !NEVER_PREFIX.some((prefix) => length >= prefix.length && spells(bytes, 0, prefix))
  );
}

/** Short runs are copied by hand: a view costs more than sixty bytes. */
function copy(from: Uint8Array, start: number, to: Uint8Array, at: number, length: number): void {
  if (length > 64) to.set(from.subarray(start, start + length), at);
  else for (let i = 0; i < length; i++) to[at + i] = from[start + i]!;
}

const DIGITS = '0123456789abcdef';

/** Writes `size` in hexadecimal and CRLF at `at`; returns the offset behind. */
export function writeChunkSize(output: Uint8Array, at: number, size: number): number {
  let digits = 1;
  for (let n = Math.floor(size / 16); n > 0; n = Math.floor(n / 16)) digits++;
  let n = size;
  for (let i = at + digits - 1; i >= at; i--) {
    output[i] = DIGITS.charCodeAt(n % 16);
    n = Math.floor(n / 16);
  }
  output[at + digits] = 0x0d;
  output[at + digits + 1] = 0x0a;
  return at + digits + 2;
}
