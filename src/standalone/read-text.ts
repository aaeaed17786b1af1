import { open } from 'node:fs/promises';

import type { FileStamp } from './listing.ts';

/** The text of a file, at most `most` bytes of it. Errors: see messageOf. */
export async function readText(stamp: FileStamp, most: number): Promise<string> {
  if (stamp.size > most) throw new Error(`has ${stamp.size} bytes, at most ${most} are read`);
  const file = await open(stamp.path, 'r');
  try {
    // What grows meanwhile, or is no plain file, is bounded too.
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 1 << 20 })) {
      chunks.push(chunk as Buffer);
      length += (chunk as Buffer).length;
      if (length > most) throw new Error(`has more than the ${most} bytes that are read`);
    }
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    } catch {
      throw new Error('is not text in UTF-8');
    }
  } finally {
    await file.close();
  }
}

/** What is wrong with reading a file, for people; its path stands before it. */
export function messageOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'no such file or directory, or a link that leads nowhere';
  if (code === 'ELOOP') return 'is a link that leads to itself';
  if (code === 'EACCES') return 'may not be read by this user (permission denied)';
  return message;
}
