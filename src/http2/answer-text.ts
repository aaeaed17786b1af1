/** What the HEADERS of an answer say, as HTTP/1.1 has it (RFC 9113 §8.2, §8.3.2). */
import { PHRASES } from '../http/reason-phrases.ts';
import { isFieldName, isFieldValue, OF_CONNECTION } from './field-rules.ts';

export interface AnswerText {
  /** The head, of characters up to U+00FF; ends with the empty line. */
  readonly text: string;
  /** 100 … 599 */
  readonly status: number;
  /** What content-length says; −1 = nothing. */
  readonly length: number;
}

/** What comes behind the head: nothing is said of its length where nothing can come. */
export const BEHIND = {
  /** DATA. */
  body: 0,
  /** Nothing: the stream ends with the head. */
  nothing: 1,
  /** The request was a HEAD. */
  never: 2,
} as const;

/**
 * @param fields names and values in turn
 * @param behind one of BEHIND
 * @returns null where the answer is malformed (a stream error, PROTOCOL_ERROR)
 */
export function answerText(fields: readonly string[], behind: number): AnswerText | null {
  if (fields[0] !== ':status' || !STATUS.test(fields[1]!)) return null;
  const status = Number(fields[1]);
  // RFC 9113 §8.6: nothing switches protocols here
  if (status === 101) return null;
  let length = -1;
  let lines = '';
  for (let i = 2; i < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fields[i + 1]!;
    if (!isFieldName(name) || !isFieldValue(value) || OF_CONNECTION.has(name)) return null;
    if (name === 'content-length') {
      // 97: two lengths, even equal ones, are one too many
      if (length >= 0 || !LENGTH.test(value)) return null;
      length = Number(value);
    }
    lines += `${name}: ${value}\r\n`;
  }
  const isBare = status < 200 || status === 204 || status === 304 || behind === BEHIND.never;
  if (!isBare && behind === BEHIND.nothing && length > 0) return null;
  if (!isBare && length < 0)
    lines += behind === BEHIND.nothing ? 'content-length: 0\r\n' : 'transfer-encoding: chunked\r\n';
  const phrase = PHRASES.get(status) ?? '';
  return { text: `HTTP/1.1 ${status} ${phrase}\r\n${lines}\r\n`, status, length };
}

/**
 * An answer of 2xx to an extended CONNECT, as what it is in HTTP/1.1: the tunnel is open (RFC 8441 §5).
 * @param accept Sec-WebSocket-Accept of the key that the server has not seen
 * @returns null where it is another answer, or malformed
 */
export function switchingText(fields: readonly string[], accept: string): AnswerText | null {
  if (fields[0] !== ':status' || !SUCCESS.test(fields[1]!)) return null;
  let lines = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n`;
  for (let i = 2; i < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fields[i + 1]!;
    if (!isFieldName(name) || !isFieldValue(value) || OF_CONNECTION.has(name)) return null;
    // RFC 9110 §9.3.6: a tunnel has no length, whatever is said of it
    if (name !== 'content-length' && name !== 'sec-websocket-accept') lines += `${name}: ${value}\r\n`;
  }
  return { text: `HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`, status: 101, length: -1 };
}

const SUCCESS = /^2[0-9][0-9]$/;
const STATUS = /^[1-5][0-9][0-9]$/;
const LENGTH = /^[0-9]{1,15}$/;
