/** What we say first on a connection with streams, and by which terms a server may answer (RFC 9113 §3.4, §6.5). */
import type { FrameWriter } from '../../http2/frame-writer.ts';
import { PREFACE, SETTING, WINDOW } from '../../http2/frames.ts';
import { writeText } from './bytes.ts';

/** What the server may send on all streams before it is given more. */
export const CONNECTION_WINDOW: number = 1 << 24;
/** What it may send on one before we give it more: also what is kept of it for a client that does not read. */
export const STREAM_WINDOW = 131_072;
/** Fields of one head, as RFC 9113 §6.5.2 counts them (105). */
export const MOST_FIELDS = 65_536;

export function putPreface(frames: FrameWriter): void {
  frames.room(PREFACE.length);
  frames.length = writeText(PREFACE, frames.bytes, 0);
  frames.settings([
    SETTING.headerTableSize,
    0,
    SETTING.enablePush,
    0,
    SETTING.initialWindowSize,
    STREAM_WINDOW,
    SETTING.maxHeaderListSize,
    MOST_FIELDS,
  ]);
  frames.windowUpdate(0, CONNECTION_WINDOW - WINDOW);
}
