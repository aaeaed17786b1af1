/** An answer in HTTP/1.1, as the relay writes it, put onto a stream of HTTP/2. */
import { ChunkedDecoder } from '../../http/chunked.ts';
import { answered, writeAnswerBlock } from '../../http2/answer-block.ts';
import { FRAME_HEAD } from '../../http2/frames.ts';
import { mostBlock } from '../../http2/hpack-writer.ts';
import { READ_SIZE } from './buffers.ts';
import { latin1 } from './bytes.ts';
import { Outflow, type Outlet } from './outflow.ts';
import { acceptOf } from './websocket-accept.ts';

/** What comes next. */
const NEXT = { head: 0, length: 1, chunked: 2, bytes: 3, nothing: 4 } as const;
/** RFC 9110 §15: classes of statuses end here, and clients may treat others as they like. */
const MOST_STATUS = 599;

export class StreamAnswer {
  readonly out: Outflow;
  private readonly outlet: Outlet;
  private next: number = NEXT.head;
  private left = 0;
  private decoder: ChunkedDecoder | null = null;

  /** @param drained called when what waited for windows has gone out */
  constructor(outlet: Outlet, drained: () => void) {
    this.outlet = outlet;
    this.out = new Outflow(outlet, drained);
  }

  /** Anew, for another stream. @param window bytes of DATA that the client takes of it */
  begin(id: number, window: number): void {
    this.out.begin(id, window);
    this.next = NEXT.head;
  }

  /**
   * Takes what the relay writes: a head is in one piece.
   * @param bodiless nothing comes behind the head, whatever it says
   * @param key of the tunnel that the client has asked for; '' = none
   * @returns false where this cannot be said in HTTP/2
   */
  write(view: Uint8Array, bodiless: boolean, key: string): boolean {
    if (this.next !== NEXT.head) {
      this.body(view, 0);
      return true;
    }
    if (block.length < mostBlock(view.length)) block = new Uint8Array(mostBlock(view.length));
    const length = writeAnswerBlock(view, key !== '', block, 0);
    const { status, end, bodyLength } = answered;
    if (status === 101) return this.tunnel(view, key, length);
    if (status < 200) {
      this.head(length, false);
      return true;
    }
    // whoever asked for a tunnel would take any 2xx for one
    if (status > MOST_STATUS || (key !== '' && status < 300)) return false;
    const empty = bodiless || status === 204 || status === 304 || bodyLength === 0;
    this.head(length, empty);
    if (empty) {
      this.next = NEXT.nothing;
      this.out.stop();
      return true;
    }
    this.next = bodyLength < 0 ? NEXT.chunked : NEXT.length;
    this.left = bodyLength;
    if (bodyLength < 0) (this.decoder ??= new ChunkedDecoder()).reset();
    if (end < view.length) this.body(view, end);
    return true;
  }

  private head(length: number, ended: boolean): void {
    const { frames } = this.outlet;
    frames.room(FRAME_HEAD + length);
    const start = frames.length;
    for (let i = 0; i < length; i++) frames.bytes[start + FRAME_HEAD + i] = block[i]!;
    frames.length = start + FRAME_HEAD + length;
    frames.headers(start, this.out.id, ended);
    this.outlet.mark();
  }

  /** RFC 8441 §5: 101 is 200 here, and the key is between us and the server. */
  private tunnel(view: Uint8Array, key: string, length: number): boolean {
    const { accept, acceptEnd, end } = answered;
    if (key === '' || latin1(view, accept, acceptEnd) !== acceptOf(key)) return false;
    this.head(length, false);
    this.next = NEXT.bytes;
    if (end < view.length) this.out.put(view, end, view.length);
    return true;
  }

  private body(view: Uint8Array, start: number): void {
    switch (this.next) {
      case NEXT.length:
        this.left -= view.length - start;
        if (this.left > 0) this.out.put(view, start, view.length);
        else this.end(view, start, view.length, null);
        return;
      case NEXT.chunked: {
        const decoder = this.decoder!;
        if (data.length < view.length) data = new Uint8Array(view.length);
        const done = decoder.decode(view, start, view.length, data, 0) === 1;
        if (done) this.end(data, 0, decoder.written, decoder.trailers);
        else if (decoder.written > 0) this.out.put(data, 0, decoder.written);
        return;
      }
      case NEXT.bytes:
        this.out.put(view, start, view.length);
        return;
    }
  }

  private end(bytes: Uint8Array, start: number, end: number, trailers: readonly number[] | null): void {
    this.next = NEXT.nothing;
    this.out.end(bytes, start, end, trailers);
  }

  /** Nothing more comes: of a tunnel, or where it was never answered. */
  finish(): void {
    this.next = NEXT.nothing;
    this.out.end(NOTHING, 0, 0, null);
  }
}

const NOTHING = new Uint8Array(0);
/** Where blocks, and the data of chunks, are put together: both are copied at once. */
let block = new Uint8Array(2048);
let data = new Uint8Array(READ_SIZE);
