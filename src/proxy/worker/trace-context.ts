/** W3C Trace Context (level 1) in a request's head: found, judged, and taken out where another takes its place. */
import { FIELD, type RequestHead } from '../../http/request-head.ts';
import { isOneOf, latin1 } from './bytes.ts';

export interface Parent {
  readonly traceId: string;
  readonly spanId: string;
  /** Two digits of hex; the last bit says that whoever asks records it. */
  readonly flags: string;
}

const PARENT = ['traceparent'];
const STATE = ['tracestate'];
const FORM = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;
const NOTHING = /^0+$/;
const LONGEST = 512;

/** null: the head has none, or not exactly one that is right (then the trace begins anew, as the standard says). */
export function parentOf(head: RequestHead): Parent | null {
  const { bytes, fields } = head;
  let found = -1;
  for (let i = 0; i < head.fieldCount; i++) {
    const start = fields[4 * i]!;
    const end = fields[4 * i + 1]!;
    if (end - start !== 11 || !isOneOf(bytes, start, end, PARENT)) continue;
    if (found >= 0) return null;
    found = i;
  }
  if (found < 0) return null;
  const start = fields[4 * found + 2]!;
  const end = fields[4 * found + 3]!;
  return end - start > LONGEST ? null : parseParent(latin1(bytes, start, end));
}

/** Of a field's value, without blanks around it. Versions after 00 may go on behind another dash; `ff` is none. */
export function parseParent(value: string): Parent | null {
  const [, version, traceId, spanId, flags, more] = FORM.exec(value) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return null;
  if (version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (NOTHING.test(traceId) || NOTHING.test(spanId)) return null;
  return { traceId, spanId, flags };
}

/** The context is not copied to the server; `state`: tracestate neither, which belongs to a parent that is not followed. */
export function dropContext(head: RequestHead, state: boolean): void {
  const { bytes, fields, kinds } = head;
  for (let i = 0; i < head.fieldCount; i++) {
    const start = fields[4 * i]!;
    const end = fields[4 * i + 1]!;
    if (!isOneOf(bytes, start, end, PARENT) && !(state && isOneOf(bytes, start, end, STATE))) continue;
    kinds[i] = FIELD.dropped;
    head.special = true;
  }
}
