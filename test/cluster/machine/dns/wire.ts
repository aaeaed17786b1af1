/** DNS messages (RFC 1035), as far as a resolver of a cluster needs them: one question, answers of A and CNAME. */

export interface Question {
  readonly id: number;
  /** Lower case, no dot at the end. */
  readonly name: string;
  readonly type: number;
  readonly recursionDesired: boolean;
  /** Where the question ends in the message. */
  readonly end: number;
}

export interface Answer {
  readonly code: 'ok' | 'no such name' | 'refused';
  /** Names on the way, each the next one's alias. */
  readonly aliases?: readonly string[];
  readonly addresses: readonly string[];
}

export const TYPE_A = 1;
const TYPE_CNAME = 5;
const CODES = { ok: 0, 'no such name': 3, refused: 5 };
/** As CoreDNS in a cluster. */
const SECONDS_TO_LIVE = 5;

/** Null: not a query that could be answered. */
export function readQuestion(message: Buffer): Question | null {
  if (message.length < 17 || (message[2]! & 0x80) !== 0 || message.readUInt16BE(4) !== 1) return null;
  const labels: string[] = [];
  let at = 12;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63) return null;
    at++;
    if (length === 0) break;
    labels.push(message.toString('latin1', at, at + length));
    at += length;
  }
  if (at + 4 > message.length) return null;
  return {
    id: message.readUInt16BE(0),
    name: labels.join('.').toLowerCase(),
    type: message.readUInt16BE(at),
    recursionDesired: (message[2]! & 0x01) !== 0,
    end: at + 4,
  };
}

/** The answer to `query`, of at most `most` bytes: longer ones say that they are cut, and come over TCP. */
export function writeAnswer(query: Buffer, question: Question, answer: Answer, most: number): Buffer {
  const aliases = answer.aliases ?? [];
  const owner = aliases.length === 0 ? Buffer.from([0xc0, 0x0c]) : encodeName(aliases.at(-1) ?? '');
  const records = [
    ...aliases.map((name, index) => {
      const from = index === 0 ? Buffer.from([0xc0, 0x0c]) : encodeName(aliases[index - 1] ?? '');
      return record(from, TYPE_CNAME, encodeName(name));
    }),
    ...answer.addresses.map((address) => record(owner, TYPE_A, Buffer.from(address.split('.').map(Number)))),
  ];
  const asked = query.subarray(12, question.end);
  const length = 12 + asked.length + records.reduce((sum, each) => sum + each.length, 0);
  const isCut = length > most;
  const kept = isCut ? [] : records;
  const head = Buffer.alloc(12);
  head.writeUInt16BE(question.id, 0);
  // response, authoritative, cut?, recursion desired?
  head[2] = 0x84 | (isCut ? 0x02 : 0) | (question.recursionDesired ? 0x01 : 0);
  head[3] = 0x80 | CODES[answer.code];
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(kept.length, 6);
  return Buffer.concat([head, asked, ...kept]);
}

function record(owner: Buffer, type: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(SECONDS_TO_LIVE, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, fixed, data]);
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'));
  return Buffer.concat([...labels, Buffer.from([0])]);
}
