/** What a server says on a connection with streams: to whom it goes, and what is wrong with it (RFC 9113 §5, §8). */
import { BEHIND } from '../../http2/answer-text.ts';
import { trailerText } from '../../http2/field-rules.ts';
import type { FrameHandler } from '../../http2/frame-reader.ts';
import type { FrameWriter } from '../../http2/frame-writer.ts';
import { ERROR, MOST_WINDOW, SETTING, WINDOW } from '../../http2/frames.ts';
import { HpackDecoder } from '../../http2/hpack-decoder.ts';
import { KnownHeads, tunnelHead } from '../../http2/known-heads.ts';
import { flush, flushHead, putData, putEnd, putHead } from './answer-bytes.ts';
import { ConnectionInflow } from './inflow.ts';
import type { WorkerState } from './state.ts';
import { CONNECTION_WINDOW, MOST_FIELDS } from './stream-preface.ts';
import type { StreamTable } from './stream-table.ts';
import { ANSWER, type UpstreamStream } from './upstream-stream.ts';

/** The connection, as far as what the server says concerns it. */
export interface FrameHost {
  readonly state: WorkerState;
  readonly gone: boolean;
  readonly frames: FrameWriter;
  /** Bytes of DATA that the server takes from all streams together. */
  window: number;
  mark(): void;
  /** The server has said its settings, or others. */
  settled(): void;
  answersPing(): void;
  /** Nothing was done for streams above `last`, and nothing will be. */
  goneAway(last: number): void;
}

/** Streams at once on one connection, before the server says how many it takes, and the most whatever it says. */
export const FIRST_STREAMS = 100;
const MOST_STREAMS = 256;
/** Frames a second that bring nothing on: more of them is a flood (113). */
const MOST_OVERHEAD = 1000;

export class StreamFrames implements FrameHandler {
  /** Streams at once that the server takes. */
  capacity = FIRST_STREAMS;
  /** Its settings are known. */
  isSettled = false;
  /** RFC 8441 §3: it takes extended CONNECTs. */
  takesTunnels = false;
  /** Bytes of DATA that the server takes of a stream at first. */
  initialWindow = WINDOW;
  private readonly host: FrameHost;
  private readonly table: StreamTable;
  private readonly decoder = new HpackDecoder(MOST_FIELDS);
  private readonly inflow: ConnectionInflow;
  private overheads = 0;
  private overheadSince = 0;

  constructor(host: FrameHost, table: StreamTable) {
    this.host = host;
    this.inflow = new ConnectionInflow(host, CONNECTION_WINDOW);
    this.table = table;
  }

  get refusesTunnels(): boolean {
    return this.isSettled && !this.takesTunnels;
  }

  /** The end of a read: what was put together goes to its users. */
  readEnds(): void {
    flush();
    for (let i = 0; i < headsWaiting.length; i++) flushHead(headsWaiting[i]!);
    headsWaiting.length = 0;
  }

  dataBegins(id: number, size: number): number {
    if (!this.inflow.frameBegins(size)) return ERROR.flowControl;
    const stream = this.table.find(id);
    if (stream === null) return this.table.isUnknown(id) ? ERROR.protocol : ERROR.none;
    return stream.inflow.frameBegins(size) ? ERROR.none : ERROR.flowControl;
  }

  data(id: number, bytes: Uint8Array, start: number, end: number, ended: boolean): number {
    if (this.host.gone) return ERROR.none;
    const stream = this.table.find(id);
    if (stream === null) return ERROR.none;
    if (stream.remoteEnded) return ERROR.streamClosed;
    const length = end - start;
    if (stream.answer === ANSWER.length) {
      stream.answerLeft -= length;
      // 97, 104: more than it said, or less
      if (stream.answerLeft < 0) {
        this.malformed(stream);
        return ERROR.none;
      }
      if (ended && stream.answerLeft > 0) {
        this.truncated(stream);
        return ERROR.none;
      }
    } else if (stream.answer === ANSWER.head || (stream.answer === ANSWER.nothing && length > 0)) {
      this.malformed(stream);
      return ERROR.none;
    }
    if (length > 0 && stream.user !== null) putData(stream, bytes, start, end);
    if (ended) this.answerEnds(stream, '');
    else stream.giveCredit();
    return ERROR.none;
  }

  private malformed(stream: UpstreamStream): void {
    flush();
    if (!stream.gone) stream.malformed();
  }

  private truncated(stream: UpstreamStream): void {
    flush();
    if (!stream.gone) stream.truncated();
  }

  private answerEnds(stream: UpstreamStream, trailers: string): void {
    const wasUsed = stream.user !== null;
    stream.remoteEnd();
    if (wasUsed) putEnd(stream, trailers);
  }

  headers(id: number, bytes: Uint8Array, start: number, end: number, ended: boolean): number {
    if (this.host.gone) return ERROR.none;
    const stream = this.table.find(id);
    if (stream === null || (stream.answer !== ANSWER.head && !ended)) {
      if (this.table.isUnknown(id)) return ERROR.protocol;
      // what it says does not matter, but what it does to the table
      if (!this.decoder.decode(bytes, start, end)) return ERROR.compression;
      if (stream !== null) this.malformed(stream);
      return ERROR.none;
    }
    if (stream.remoteEnded) return ERROR.streamClosed;
    return stream.answer === ANSWER.head
      ? this.head(stream, bytes, start, end, ended)
      : this.trailers(stream, bytes, start, end);
  }

  private head(stream: UpstreamStream, bytes: Uint8Array, start: number, end: number, ended: boolean): number {
    const behind = stream.isHead ? BEHIND.never : ended ? BEHIND.nothing : BEHIND.body;
    const head = stream.isTunnel
      ? tunnelHead(this.decoder, bytes, start, end, behind, stream.accept)
      : knownHeads.find(this.decoder, bytes, start, end, behind);
    if (head === undefined) return ERROR.compression;
    if (head?.status === SWITCHING) {
      putHead(stream, head);
      stream.answer = ANSWER.tunnel;
      if (ended) this.answerEnds(stream, '');
      else headsWaiting.push(stream);
      return ERROR.none;
    }
    if (head === null || (head.status < 200 && ended)) {
      this.malformed(stream);
      return ERROR.none;
    }
    putHead(stream, head);
    if (head.status < 200) {
      flushHead(stream);
      return ERROR.none;
    }
    if (stream.isTunnel) stream.tunnelRefused();
    const isBare = stream.isHead || ended || head.status === 204 || head.status === 304 || head.length === 0;
    stream.answer = isBare ? ANSWER.nothing : head.length > 0 ? ANSWER.length : ANSWER.chunked;
    stream.answerLeft = head.length;
    if (ended) this.answerEnds(stream, '');
    else headsWaiting.push(stream);
    return ERROR.none;
  }

  private trailers(stream: UpstreamStream, bytes: Uint8Array, start: number, end: number): number {
    if (!this.decoder.decode(bytes, start, end)) return ERROR.compression;
    const lines = this.decoder.tooLarge ? null : trailerText(this.decoder.fields);
    // RFC 9113 §8.5: a tunnel has nothing but DATA
    if (lines === null || stream.answer === ANSWER.tunnel) this.malformed(stream);
    else if (stream.answer === ANSWER.length && stream.answerLeft > 0) this.truncated(stream);
    else this.answerEnds(stream, lines);
    return ERROR.none;
  }

  reset(id: number, code: number): number {
    const stream = this.table.find(id);
    if (stream === null) return this.table.isUnknown(id) ? ERROR.protocol : this.overhead();
    flush();
    if (!stream.gone && stream.id === id)
      stream.wasReset(code === ERROR.refusedStream && stream.answer === ANSWER.head);
    return ERROR.none;
  }

  setting(number: number, value: number): number {
    if (number === SETTING.maxConcurrentStreams) this.capacity = Math.min(value, MOST_STREAMS);
    if (number === SETTING.enableConnectProtocol) {
      // RFC 8441 §3: it may not be taken back
      if (this.takesTunnels && value === 0) return ERROR.protocol;
      this.takesTunnels = value === 1;
    }
    if (number !== SETTING.initialWindowSize) return ERROR.none;
    const more = value - this.initialWindow;
    this.initialWindow = value;
    for (const { out } of this.table.all()) if (!out.widen(more)) return ERROR.flowControl;
    return ERROR.none;
  }

  settingsEnd(): void {
    this.host.frames.settingsAck();
    this.host.mark();
    this.isSettled = true;
    this.host.settled();
  }

  settingsAck(): void {}

  ping(bytes: Uint8Array, start: number, ack: boolean): void {
    if (!ack) {
      this.host.frames.ping(bytes, start);
      this.host.mark();
      return;
    }
    this.host.answersPing();
  }

  goAway(last: number): void {
    flush();
    this.host.goneAway(last);
  }

  windowUpdate(id: number, bytes: number): number {
    if (id === 0) {
      this.host.window += bytes;
      return bytes === 0 ? ERROR.protocol : this.host.window > MOST_WINDOW ? ERROR.flowControl : ERROR.none;
    }
    const stream = this.table.find(id);
    if (stream === null) return this.table.isUnknown(id) ? ERROR.protocol : ERROR.none;
    if (stream.out.widen(bytes) && bytes > 0) return ERROR.none;
    this.malformed(stream);
    return ERROR.none;
  }

  overhead(): number {
    const { now } = this.host.state;
    if (now - this.overheadSince > 1000) {
      this.overheadSince = now;
      this.overheads = 0;
    }
    return ++this.overheads > MOST_OVERHEAD ? ERROR.enhanceYourCalm : ERROR.none;
  }
}

/** What a tunnel is opened by. */
const SWITCHING = 101;
/** Of the present read: heads that nothing has come behind so far. */
const headsWaiting: UpstreamStream[] = [];
const knownHeads = new KnownHeads();
