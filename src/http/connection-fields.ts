/** What the Connection fields of a head say, the same in both directions (RFC 9110 §7.6.1). */
import { spells } from './characters.ts';
import { dropNominated, type FieldLines } from './nominated.ts';
import { FIELD } from './request-head.ts';
import { eachToken } from './tokens.ts';

/** What a head notes of them. */
export interface ConnectionNotes extends FieldLines {
  closes: boolean;
  keepAlive: boolean;
  /** Connection names `upgrade`. */
  upgrade: boolean;
  /** Fields that are left for `applyConnection`. */
  connections: number;
}

/** The two usual values are told apart without a closure. @returns the FIELD kind of the line */
export function connectionField(head: ConnectionNotes, value: number, valueEnd: number): number {
  const length = valueEnd - value;
  if (length === 5 && spells(head.bytes, value, 'close')) head.closes = true;
  else if (length === 10 && spells(head.bytes, value, 'keep-alive')) head.keepAlive = true;
  else head.connections++;
  return FIELD.connection;
}

/** 77: what Connection nominates goes no further; framing and Host are not its to name. For the whole head. */
export function applyConnection(head: ConnectionNotes): void {
  const b = head.bytes;
  for (let i = 0; i < head.fieldCount; i++) {
    if (head.kinds[i] !== FIELD.connection) continue;
    eachToken(b, head.fields[4 * i + 2]!, head.fields[4 * i + 3]!, (start, end) => {
      const length = end - start;
      if (length === 5 && spells(b, start, 'close')) head.closes = true;
      else if (length === 7 && spells(b, start, 'upgrade')) head.upgrade = true;
      else if (length === 10 && spells(b, start, 'keep-alive')) head.keepAlive = true;
      else dropNominated(head, start, end);
    });
  }
}
