/** The key by which a client of a WebSocket knows that it was understood (RFC 6455 §4.1). */
import { spells } from './characters.ts';

/**
 * What Sec-WebSocket-Key says in `head`, which is whole and well-formed.
 * @returns '' where it is missing, there twice, or not sixteen bytes in base64
 */
export function websocketKey(head: Uint8Array): string {
  let key = '';
  for (let p = head.indexOf(LF) + 1; p > 0 && head[p] !== CR; p = head.indexOf(LF, p) + 1) {
    if (head[p + NAME.length] !== COLON || !spells(head, p, NAME)) continue;
    const end = head.indexOf(CR, p);
    if (key !== '' || end - p > MOST) return '';
    const value = String.fromCharCode(...head.subarray(p + NAME.length + 1, end)).trim();
    if (!KEY.test(value)) return '';
    key = value;
  }
  return key;
}

const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;
const NAME = 'sec-websocket-key';
/** Of a line, with some blanks. */
const MOST = 100;
/** The last character has two bits that mean something. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
