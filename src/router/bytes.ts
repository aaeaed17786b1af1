/** The bytes of a text as configuration gives it: UTF-8. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** ASCII only. */
export function lowerCase(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

/** Whether `bytes[start … end)` is `literal`. */
export function equalsAt(bytes: Uint8Array, start: number, end: number, literal: Uint8Array): boolean {
  if (end - start !== literal.length) return false;
  for (let at = 0; at < literal.length; at++) if (bytes[start + at] !== literal[at]) return false;
  return true;
}

/** The same without regard to ASCII case; `lower` is in lower case. */
export function equalsIgnoringCase(bytes: Uint8Array, start: number, end: number, lower: Uint8Array): boolean {
  if (end - start !== lower.length) return false;
  for (let at = 0; at < lower.length; at++) if (lowerCase(bytes[start + at]!) !== lower[at]) return false;
  return true;
}
