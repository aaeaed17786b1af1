/** What a client says on a connection of HTTP/2: to which stream it goes, and what is wrong with it (RFC 9113 §5, §8). */
import { trailerText } from '../../http2/field-rules.ts';
import type { FrameHandler } from '../../http2/frame-reader.ts';
import { ERROR, MOST_WINDOW, SETTING, WINDOW } from '../../http2/frames.ts';
import { HpackDecoder } from '../../http2/hpack-decoder.ts';
import { type KnownRequest, KnownRequests } from '../../http2/known-requests.ts';
import { CutStreams } from './cut-streams.ts';
import { ConnectionInflow } from './inflow.ts';
import type { Outlet } from './outflow.ts';
import type { StreamClient } from './stream-client.ts';
import { newKey } from './websocket-accept.ts';

/** The connection, as far as what the client says concerns it. */
export interface Http2Host extends Outlet {
  readonly gone: boolean;
  /** Streams that there are. */
  readonly clients: ReadonlyMap<number, StreamClient>;
  /** A stream begins. */
  open(id: number, known: KnownRequest, ended: boolean): void;
  /** So many bytes of what was read carry content, in one piece. */
  useful(bytes: number): void;
  /** The client has said its settings, or others. */
  settled(): void;
  answersPing(): void;
  /** It begins no more streams; with a code, those that there are have ended with it. */
  leaves(code: number): void;
}

export const MAX_STREAMS = 100;
/** Fields of one head, as RFC 9113 §6.5.2 counts them. */
export const MOST_FIELDS = 65_536;
/** Of the whole connection; a stream that is not read holds up no more than its own window. */
export const CONNECTION_WINDOW: number = 1 << 20;

export class Http2Frames implements FrameHandler {
  /** The last stream that the client has begun. */
  last = 0;
  /** Of the last GOAWAY that was final: later streams are not looked at. */
  final = MOST_WINDOW;
  /** Bytes of DATA that the client takes of a stream at first. */
  initialWindow = WINDOW;
  readonly cut = new CutStreams();
  private readonly host: Http2Host;
  private readonly decoder = new HpackDecoder(MOST_FIELDS);
  private readonly requests = new KnownRequests(newKey);
  private readonly inflow: ConnectionInflow;

  constructor(host: Http2Host) {
    this.host = host;
    this.inflow = new ConnectionInflow(host, CONNECTION_WINDOW);
  }

  dataBegins(id: number, size: number): number {
    if (size > 0) this.host.useful(size);
    if (!this.inflow.frameBegins(size)) return ERROR.flowControl;
    const client = this.host.clients.get(id);
    if (client === undefined) return this.faultOfOver(id);
    if (client.remoteEnded) return ERROR.streamClosed;
    return client.inflow.frameBegins(size) ? ERROR.none : ERROR.flowControl;
  }

  data(id: number, bytes: Uint8Array, start: number, end: number, ended: boolean): number {
    const client = this.host.clients.get(id);
    if (client === undefined || this.host.gone) return ERROR.none;
    if (end > start) client.guarded(() => client.dataArrived(bytes, start, end));
    if (ended) this.endArrived(id, client, '');
    return ERROR.none;
  }

  /** What came before may have been the end of it, and its object may serve another stream by now. */
  private endArrived(id: number, client: StreamClient, trailers: string): void {
    if (this.host.clients.get(id) === client) client.guarded(() => client.endArrived(trailers));
    else this.cut.ended(id);
  }

  headers(id: number, bytes: Uint8Array, start: number, end: number, ended: boolean): number {
    this.host.useful(end - start);
    if ((id & 1) === 0) return ERROR.protocol;
    const client = this.host.clients.get(id);
    if (client !== undefined) return this.trailers(id, client, bytes, start, end, ended);
    if (id > this.last && id <= this.final) {
      const known = this.requests.find(this.decoder, bytes, start, end, ended);
      if (known === null) return ERROR.compression;
      this.last = id;
      this.host.open(id, known, ended);
      return ERROR.none;
    }
    // what it says does not matter, but what it does to the table
    if (!this.decoder.decode(bytes, start, end)) return ERROR.compression;
    return id > this.last ? ERROR.none : this.faultOfOver(id);
  }

  private trailers(
    id: number,
    client: StreamClient,
    bytes: Uint8Array,
    start: number,
    end: number,
    ended: boolean,
  ): number {
    if (!this.decoder.decode(bytes, start, end)) return ERROR.compression;
    if (client.remoteEnded) return ERROR.streamClosed;
    const lines = ended && !client.isTunnel && !this.decoder.tooLarge ? trailerText(this.decoder.fields) : null;
    if (lines === null) client.guarded(() => client.malformed('bad_request'));
    else this.endArrived(id, client, lines);
    return ERROR.none;
  }

  /** Something for a stream that is over, or was never there (§5.1). */
  private faultOfOver(id: number): number {
    if (this.isIdle(id)) return ERROR.protocol;
    return this.cut.has(id) ? ERROR.none : ERROR.streamClosed;
  }

  /** The client has never begun it. */
  private isIdle(id: number): boolean {
    return (id & 1) === 0 || (id > this.last && id <= this.final);
  }

  reset(id: number): number {
    if (this.isIdle(id)) return ERROR.protocol;
    const client = this.host.clients.get(id);
    if (client !== undefined) client.guarded(() => client.wasReset());
    return ERROR.none;
  }

  setting(number: number, value: number): number {
    if (number !== SETTING.initialWindowSize) return ERROR.none;
    const more = value - this.initialWindow;
    this.initialWindow = value;
    for (const { answer } of this.host.clients.values()) if (!answer.out.widen(more)) return ERROR.flowControl;
    return ERROR.none;
  }

  settingsEnd(): void {
    this.host.frames.settingsAck();
    this.host.mark();
    this.host.settled();
  }

  settingsAck(): void {}

  ping(bytes: Uint8Array, start: number, ack: boolean): void {
    if (ack) {
      this.host.answersPing();
      return;
    }
    this.host.frames.ping(bytes, start);
    this.host.mark();
  }

  goAway(_last: number, code: number): void {
    this.host.leaves(code);
  }

  windowUpdate(id: number, bytes: number): number {
    if (id === 0) {
      this.host.window += bytes;
      return bytes === 0 ? ERROR.protocol : this.host.window > MOST_WINDOW ? ERROR.flowControl : ERROR.none;
    }
    if (this.isIdle(id)) return ERROR.protocol;
    const client = this.host.clients.get(id);
    if (client === undefined) return ERROR.none;
    if (bytes === 0) client.guarded(() => client.malformed('bad_framing'));
    else if (!client.answer.out.widen(bytes)) client.guarded(() => client.overflows());
    return ERROR.none;
  }

  /** Counted by their bytes, as all that carries no content. */
  overhead(): number {
    return ERROR.none;
  }
}
