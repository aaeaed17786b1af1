/** Heads of answers as fields of HTTP/2 (RFC 9113 §8.2–8.3). */
import type { ResponseHead } from '../http/parse-response.ts';
import { FIELD } from '../http/request-head.ts';

/** Name and value of each field that goes on; names in lower case, values of characters up to U+00FF. */
export function answerFields(head: ResponseHead, status: number): string[] {
  const bytes = Buffer.from(head.bytes.buffer, head.bytes.byteOffset, head.bytes.length);
  const list = [':status', String(status)];
  for (let i = 0; i < head.fieldCount; i++) {
    const kind = head.kinds[i];
    if (kind !== FIELD.plain && kind !== FIELD.contentLength) continue;
    const name = bytes.toString('latin1', head.fields[4 * i], head.fields[4 * i + 1]).toLowerCase();
    if (name !== 'http2-settings')
      list.push(name, bytes.toString('latin1', head.fields[4 * i + 2], head.fields[4 * i + 3]));
  }
  return list;
}

/** The same as an object; values of a name that comes several times in their order. */
export function fieldObject(list: readonly string[]): Record<string, string | string[]> {
  const object: Record<string, string | string[]> = { __proto__: null } as never;
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!;
    const value = list[i + 1]!;
    const known = object[name];
    object[name] = known === undefined ? value : [known, value].flat();
  }
  return object;
}

/** Lines of a trailer section (`name: value` CRLF …) as such an object. */
export function trailerFields(lines: Uint8Array): Record<string, string | string[]> {
  const list = Buffer.from(lines)
    .toString('latin1')
    .split('\r\n')
    .slice(0, -1)
    .flatMap((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    });
  return fieldObject(list);
}
