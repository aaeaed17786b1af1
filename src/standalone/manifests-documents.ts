/** Files of many documents, of which most are what they were: each is parsed when it changes, and not with the others. */
import { hash } from 'node:crypto';

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
    for (const { piece, line } of pieces) {
      const digest = hash('sha256', piece, 'base64');
      // A text of its own: parts of strings keep the whole alive, and the whole is another one with each change.
      const parsed = now.get(digest) ?? before?.get(digest) ?? parse(Buffer.from(piece).toString(), file);
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
  readonly piece: string;
  /** Lines before it. */
  readonly line: number;
}

const MARK = '---';

/**
 * The text cut before each `---` at the beginning of a line: YAML allows that nowhere but between documents, not even in a
 * quoted or a block scalar. One piece where a line begins with `%`: directives belong to the document behind them. Searched
 * for as a whole, not line by line: a change of one document costs a look at all of them.
 */
function documentsOf(text: string): Piece[] {
  const starts = [0];
  if (!text.startsWith('%') && !text.includes('\n%') && !text.includes('\r%')) {
    for (let at = text.indexOf(MARK, 1); at >= 0; at = text.indexOf(MARK, at + 1))
      if (isMark(text, at)) starts.push(at);
  }
  let line = 0;
  return starts.map((start, index) => {
    const piece = { piece: text.slice(start, starts[index + 1]), line };
    line += breaksIn(piece.piece);
    return piece;
  });
}

function isMark(text: string, at: number): boolean {
  const [before, behind] = [text[at - 1], text[at + MARK.length]];
  return (before === '\n' || before === '\r') && (behind === undefined || ' \t\r\n'.includes(behind));
}

function breaksIn(text: string): number {
  let breaks = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) breaks++;
  return breaks;
}
