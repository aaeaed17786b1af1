/** Files of many documents, of which most are what they were: each is parsed when it changes, and not with the others. */
import { createHash } from 'node:crypto';

import type { ParsedFile, ParseFile } from './objects.ts';

/** Files whose documents are remembered; beyond that it begins anew, so that files that are gone are forgotten. */
const MAX_FILES = 4096;

/** As `parse`, but remembers the documents of each file as it was last. A file with faults is parsed as a whole. */
export function documentParser(parse: ParseFile): ParseFile {
  const files = new Map<string, ReadonlyMap<string, ParsedFile>>();
  return (text, file) => {
    const pieces = documentsOf(text);
    if (pieces.length < 2) return parse(text, file);
    const before = files.get(file);
    const now = new Map<string, ParsedFile>();
    const objects: ParsedFile['objects'][number][] = [];
    const secrets: NonNullable<ParsedFile['secrets']>[number][] = [];
    for (const { bytes, line } of pieces) {
      const digest = createHash('sha256').update(bytes).digest('latin1');
      // A text of its own: parts of strings keep the whole alive, and the whole is another one with each change.
      const parsed = now.get(digest) ?? before?.get(digest) ?? parse(bytes.toString(), file);
      if (parsed.faults.length > 0) return parse(text, file);
      now.set(digest, parsed);
      for (const object of parsed.objects) objects.push({ ...object, line: object.line + line });
      secrets.push(...(parsed.secrets ?? []));
    }
    if (files.size >= MAX_FILES) files.clear();
    files.set(file, now);
    return { objects, secrets, faults: [] };
  };
}

interface Piece {
  readonly bytes: Buffer;
  /** Lines before it. */
  readonly line: number;
}

/**
 * The text cut before each `---` at the beginning of a line: YAML allows that nowhere but between documents, not even in a
 * quoted or a block scalar. One piece where a line begins with `%`: directives belong to the document behind them.
 */
function documentsOf(text: string): Piece[] {
  const starts = [0];
  if (!/^%/m.test(text)) {
    for (const { index } of text.matchAll(/^---(?=[ \t\r\n]|$)/gm)) if (index > 0) starts.push(index);
  }
  let line = 0;
  return starts.map((start, index) => {
    const piece = { bytes: Buffer.from(text.slice(start, starts[index + 1])), line };
    for (const byte of piece.bytes) if (byte === 0x0a) line++;
    return piece;
  });
}
