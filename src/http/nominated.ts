/** Fields that a Connection field nominates (RFC 9110 §7.6.1). */
import { spells } from './characters.ts';
import { FIELD } from './request-head.ts';

/** What request and response heads have in common. */
export interface FieldLines {
  readonly bytes: Uint8Array;
  readonly fields: Int32Array;
  readonly kinds: Uint8Array;
  readonly fieldCount: number;
}

/** Marks all fields with the name `bytes[start … end)` as dropped; framing, Host and itself are not Connection's to name (77). */
export function dropNominated(lines: FieldLines, start: number, end: number): void {
  const b = lines.bytes;
  const length = end - start;
  const isOwn =
    (length === 4 && spells(b, start, 'host')) ||
    (length === 10 && spells(b, start, 'connection')) ||
    (length === 14 && spells(b, start, 'content-length')) ||
    (length === 17 && spells(b, start, 'transfer-encoding'));
  if (isOwn) return;
  for (let i = 0; i < lines.fieldCount; i++) {
    const name = lines.fields[4 * i]!;
    if (lines.fields[4 * i + 1]! - name !== length) continue;
    let same = true;
    for (let k = 0; same && k < length; k++) same = lower(b[name + k]!) === lower(b[start + k]!);
    if (same) lines.kinds[i] = FIELD.dropped;
  }
}

function lower(c: number): number {
  return c >= 0x41 && c <= 0x5a ? c | 0x20 : c;
}
