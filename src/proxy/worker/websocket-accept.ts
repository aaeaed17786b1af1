/** What a server of WebSockets answers to a client's key (RFC 6455 §4.2.2). */
import { createHash, randomBytes } from 'node:crypto';

export function acceptOf(key: string): string {
  const text = `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  return createHash('sha1').update(text).digest('base64');
}

/** A client's key, where it is ours to make. */
export const newKey = (): string => randomBytes(16).toString('base64');
