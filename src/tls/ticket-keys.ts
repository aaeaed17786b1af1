/** Keys that encrypt session tickets: 48 bytes each, in hex (16 to know it by, 16 of the HMAC, 16 of AES). */
import { randomBytes } from 'node:crypto';

export const newTicketKey = (): string => randomBytes(48).toString('hex');

export const isTicketKey = (text: string): boolean => /^[0-9a-f]{96}$/.test(text);
