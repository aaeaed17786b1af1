/** Lines of a head in HTTP/1.1 that is known to be well-formed, without strings. */

export const SP = 0x20;
const TAB = 0x09;
export const CR = 0x0d;
const COLON = 0x3a;

/** Where the parts of the line that was read last stand: the value without the blanks around it. */
export const fieldLine = { name: 0, nameEnd: 0, value: 0, valueEnd: 0 };

/** Reads `name: value` CRLF at `at` (RFC 9112 §5); returns the offset behind. */
export function readFieldLine(from: Uint8Array, at: number): number {
  let p = at;
  while (from[p] !== COLON) p++;
  fieldLine.name = at;
  fieldLine.nameEnd = p++;
  while (from[p] === SP || from[p] === TAB) p++;
  const value = p;
  while (from[p] !== CR) p++;
  let valueEnd = p;
  while (valueEnd > value && (from[valueEnd - 1] === SP || from[valueEnd - 1] === TAB)) valueEnd--;
  fieldLine.value = value;
  fieldLine.valueEnd = valueEnd;
  return p + 2;
}
