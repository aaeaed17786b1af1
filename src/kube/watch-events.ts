import type { KubeObject } from './resource.ts';

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubeObject;
}

const NEWLINE = 10;
/** etcd takes objects of 1.5 MB; what is longer than this is no line of JSON. */
const MAX_LINE = 16 << 20;

/**
 * The events of a watch, as many at once as came at once. Ends with the stream. Errors: those of the stream, and what is
 * no event (then nothing that follows can be trusted).
 */
export async function* watchEvents(body: AsyncIterable<Buffer>): AsyncGenerator<WatchEvent[]> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    const events: WatchEvent[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      parts.push(chunk.subarray(start, end));
      start = end + 1;
      const line = Buffer.concat(parts).toString();
      parts = [];
      length = 0;
      if (line !== '') events.push(toEvent(line));
    }
    if (start < chunk.length) {
      length += chunk.length - start;
      if (length > MAX_LINE) throw new Error(`a watch sent a line of more than ${MAX_LINE} bytes`);
      parts.push(chunk.subarray(start));
    }
    if (events.length > 0) yield events;
  }
}

function toEvent(line: string): WatchEvent {
  const value = JSON.parse(line) as Partial<WatchEvent> | null;
  if (typeof value?.type !== 'string' || typeof value.object !== 'object') {
    throw new Error(`a watch sent what is no event: ${line.slice(0, 100)}`);
  }
  return value as WatchEvent;
}
