/**
 * What was read of connections with frames, behind what was left over by the read before: not the shared buffer, where
 * answers are put together meanwhile. One for all connections, since a read is done with before the next one.
 */
import { type FrameReader, MOST_REST } from '../../http2/frame-reader.ts';
import { READ_SIZE, input, inputView } from './buffers.ts';

const work = new Uint8Array(MOST_REST + READ_SIZE);

/** Where such connections read to. */
export const frameTarget: Uint8Array = work.subarray(MOST_REST);

/** Frames in `bytes[0 … length)`, at most a read. @returns the code of the fault that ends the connection, 0 = none */
export function readFrames(reader: FrameReader, bytes: Uint8Array, length: number): number {
  if (bytes !== frameTarget) work.set(bytes === input ? inputView(length) : bytes.subarray(0, length), MOST_REST);
  return reader.read(work, reader.begin(work, MOST_REST), MOST_REST + length);
}
