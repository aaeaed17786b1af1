/** Frames on their way to a peer; the same for clients and for servers. */
import type { FrameWriter } from '../../http2/frame-writer.ts';
import type { Connection } from './io.ts';

/** Writes all that there are; what comes about while the kernel reads them lies elsewhere. @returns false where the connection is gone */
export function writeFrames(connection: Connection, frames: FrameWriter): boolean {
  const went = connection.write(frames.take(), false);
  // through TLS it is encrypted by now
  if (connection.pending === 0 || connection.tls !== null) frames.release();
  return went;
}
