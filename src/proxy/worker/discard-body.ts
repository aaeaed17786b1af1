/** Bodies that nobody wants: read and thrown away, so that the next request can be told from them (22). */
import { READ_SIZE } from './buffers.ts';
import type { Client } from './client.ts';
import { MAX_DISCARD } from './phases.ts';

/**
 * Reads on over the body of a request that was answered already.
 * @returns the offset behind what belongs to it
 */
export function discardBody(client: Client, bytes: Uint8Array, start: number, end: number): number {
  const rest = skipBody(client, bytes, start, end);
  if (rest < 0 || client.bodyBytes > MAX_DISCARD) {
    client.close();
    return end;
  }
  if (client.bodyDone) client.next();
  return rest;
}

/** @returns the offset behind what belongs to the body, −1 where it is malformed */
function skipBody(client: Client, bytes: Uint8Array, start: number, end: number): number {
  if (client.bodyLeft >= 0) {
    const length = Math.min(client.bodyLeft, end - start);
    client.bodyLeft -= length;
    client.bodyBytes += length;
    client.bodyDone = client.bodyLeft === 0;
    return start + length;
  }
  const decoder = client.decoder!;
  const result = decoder.decode(bytes, start, end, SINK, 0);
  if (result < 0) return -1;
  client.bodyBytes += end - start;
  client.bodyDone = result === 1;
  return decoder.position;
}

/** Where the data of thrown-away chunks goes. */
const SINK = new Uint8Array(4 * READ_SIZE);
