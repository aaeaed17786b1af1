/** DER (X.690): as much of it as a certificate needs. */

const constructed = (tag: number, parts: readonly Buffer[]): Buffer => {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([header(tag, length), ...parts]);
};

export const sequence = (...parts: Buffer[]): Buffer => constructed(0x30, parts);
export const setOf = (part: Buffer): Buffer => constructed(0x31, [part]);
export const boolean = (value: boolean): Buffer => constructed(0x01, [Buffer.of(value ? 0xff : 0)]);
export const octets = (content: Buffer): Buffer => constructed(0x04, [content]);
export const utf8 = (text: string): Buffer => constructed(0x0c, [Buffer.from(text)]);
/** `[number]`, around other values. */
export const explicit = (number: number, content: Buffer): Buffer => constructed(0xa0 | number, [content]);
/** `[number]`, instead of the tag that `content` would have. */
export const implicit = (number: number, content: Buffer): Buffer => constructed(0x80 | number, [content]);

/** Not negative, big-endian. */
export const integer = (magnitude: Buffer): Buffer => {
  const first = magnitude.findIndex((byte) => byte !== 0);
  const shortest = first < 0 ? Buffer.of(0) : magnitude.subarray(first);
  return constructed(0x02, shortest[0]! & 0x80 ? [Buffer.of(0), shortest] : [shortest]);
};

/** `unused`: bits at the end that are padding. */
export const bits = (content: Buffer, unused = 0): Buffer => constructed(0x03, [Buffer.of(unused), content]);

/** `1.2.840.10045.2.1` */
export const identifier = (text: string): Buffer => {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return constructed(0x06, [Buffer.from([first * 40 + second, ...rest].flatMap(base128))]);
};

/** To the second; two digits of the year until 2049, as RFC 5280 wants it. */
export const time = (at: Date): Buffer => {
  const text = `${at.toISOString().slice(0, 19).replaceAll(/\D/g, '')}Z`;
  return at.getUTCFullYear() < 2050
    ? constructed(0x17, [Buffer.from(text.slice(2))])
    : constructed(0x18, [Buffer.from(text)]);
};

function header(tag: number, length: number): Buffer {
  if (length < 0x80) return Buffer.of(tag, length);
  const bytes: number[] = [];
  for (let left = length; left > 0; left >>>= 8) bytes.unshift(left & 0xff);
  return Buffer.of(tag, 0x80 | bytes.length, ...bytes);
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) bytes.unshift((left & 0x7f) | 0x80);
  return bytes;
}
