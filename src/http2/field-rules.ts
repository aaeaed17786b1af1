/** What names and values of fields must be (RFC 9113 §8.2). */
import { TOKEN, VALUE } from '../http/characters.ts';

/** A token without capitals. */
export function isFieldName(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    if ((TOKEN[c] !== 1 && c !== 0x5f) || (c >= 0x41 && c <= 0x5a)) return false;
  }
  return name !== '';
}

/** No controls but tabs, and no blank at either end. */
export function isFieldValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (VALUE[value.charCodeAt(i)] !== 1) return false;
  return value === '' || (!isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(value.length - 1)));
}

const isBlank = (c: number): boolean => c === 0x20 || c === 0x09;

/** Fields that are of one connection, and that HTTP/2 has none of (§8.2.2). */
export const OF_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/** Lines of a trailer section; null where it is malformed. What may not be a trailer is for the codec to drop. */
export function trailerText(fields: readonly string[]): string | null {
  let lines = '';
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fields[i + 1]!;
    if (!isFieldName(name) || !isFieldValue(value) || OF_CONNECTION.has(name)) return null;
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}
