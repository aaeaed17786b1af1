/** An answer in HTTP/1.1, as the relay writes it, put onto a stream of HTTP/2. */
import type { ServerHttp2Stream } from 'node:http2';

import { ChunkedDecoder } from '../../http/chunked.ts';
import { parseResponse, ResponseHead } from '../../http/parse-response.ts';
import { answerFields, fieldObject, trailerFields } from '../../http2/answer-fields.ts';
import { acceptOf } from './websocket-accept.ts';

/** What comes next. */
const NEXT = { head: 0, length: 1, chunked: 2, bytes: 3, nothing: 4 } as const;

export class StreamAnswer {
  private readonly stream: ServerHttp2Stream;
  private next: number = NEXT.head;
  private left = 0;
  private decoder: ChunkedDecoder | null = null;
  private trailers: Record<string, string | string[]> = {};
  /** Called when the last frame has been handed over. */
  private readonly sent: () => void;

  constructor(stream: ServerHttp2Stream, sent: () => void) {
    this.stream = stream;
    this.sent = sent;
  }

  /**
   * Takes what the relay writes: a head is in one piece.
   * @param key of the tunnel that the client has asked for; '' = none
   * @returns whether the stream takes more at once; null where this cannot be said in HTTP/2
   */
  write(view: Uint8Array, bodiless: boolean, key: string): boolean | null {
    if (this.next !== NEXT.head) return this.body(view, 0);
    // a copy: with room for the zero behind it, and frames are written later than the scratch area is
    const bytes = new Uint8Array(view.length + 1);
    bytes.set(view);
    const end = parseResponse(head, bytes, 0, view.length);
    const status = head.status;
    if (status === 101) return this.tunnel(bytes, end, key);
    if (status < 200) {
      this.stream.additionalHeaders(fieldObject(answerFields(head, status)));
      return true;
    }
    // whoever asked for a tunnel would take any 2xx for one; node:http2 knows no class above 5
    if (status > 599 || (key !== '' && status < 300)) return null;
    const empty = bodiless || status === 204 || status === 304 || (!head.chunked && head.length <= 0);
    const { chunked, length } = head;
    const waitForTrailers = !empty && (chunked || view.length - end < length);
    this.stream.respond(answerFields(head, status), { ...AS_IT_IS, endStream: empty, waitForTrailers });
    this.awaitEnd(waitForTrailers);
    if (empty) {
      this.next = NEXT.nothing;
      return true;
    }
    this.next = chunked ? NEXT.chunked : NEXT.length;
    this.left = length;
    return end === view.length || this.body(bytes.subarray(0, view.length), end);
  }

  /** RFC 8441 §5: 101 is 200 here, and the key is between us and the server. */
  private tunnel(bytes: Uint8Array, end: number, key: string): boolean | null {
    const list = answerFields(head, 200);
    const at = list.indexOf('sec-websocket-accept');
    const accept = at < 0 ? '' : list.splice(at, 2)[1];
    if (accept !== acceptOf(key)) return null;
    this.stream.respond(list, { ...AS_IT_IS, waitForTrailers: true });
    this.awaitEnd(true);
    this.next = NEXT.bytes;
    return end === bytes.length - 1 || this.stream.write(Buffer.from(bytes.buffer, end, bytes.length - 1 - end));
  }

  private body(view: Uint8Array, start: number): boolean {
    switch (this.next) {
      case NEXT.length: {
        this.left -= view.length - start;
        const part = Buffer.from(view.subarray(start));
        if (this.left > 0) return this.stream.write(part);
        this.end(part);
        return true;
      }
      case NEXT.chunked: {
        const part = Buffer.allocUnsafe(view.length - start);
        const decoder = (this.decoder ??= new ChunkedDecoder());
        const done = decoder.decode(view, start, view.length, part, 0) === 1;
        const data = part.subarray(0, decoder.written);
        if (!done) return data.length === 0 || this.stream.write(data);
        if (decoder.trailers !== null) this.trailers = trailerFields(Uint8Array.from(decoder.trailers));
        this.end(data);
        return true;
      }
      case NEXT.bytes:
        return this.stream.write(Buffer.from(view.subarray(start)));
      default:
        return true;
    }
  }

  private end(last: Buffer): void {
    this.next = NEXT.nothing;
    this.stream.end(last);
  }

  /**
   * `open`: not all of it is here. Then its end is ours to say, behind trailers or none: node:http2 ends what is broken
   * off before it resets it, so that it would look whole (99).
   */
  private awaitEnd(open: boolean): void {
    if (open) this.stream.once('wantTrailers', () => this.sendTrailers());
    else this.stream.once('finish', this.sent);
  }

  private sendTrailers(): void {
    if (this.stream.destroyed || this.stream.closed) return;
    this.stream.sendTrailers(this.trailers);
    // node:http2 submits them in the next turn
    setImmediate(this.sent);
  }
}

/** No Date that the server did not give. */
const AS_IT_IS = { endStream: false, sendDate: false };

/** Used within one call, as those in heads.ts: what the relay is looking at stays there. */
const head = new ResponseHead();
