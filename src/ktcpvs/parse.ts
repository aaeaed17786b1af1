/**
 * Reads a configuration file of KTCPVS, whole, and judges it: either a table that holds together, or faults with line and
 * column. Nothing here changes anything, so a file with a fault changes nothing.
 *
 *     Virtual NAME { keyword = value … }
 *
 * Beyond KTCPVS: `started = yes|no` (so that a listing brings back what was stopped), `rules-only` after a server's weight
 * (not asked for what no rule takes), `rule = keep NAME` (a rule that the syntax cannot say stays as it is), `@NAME` for a
 * real server by its object's name; and of ktcpvs-matrix `weight` and `conns` in rules, of which `conns` is skipped.
 */
import { readIdent } from './host-port.ts';
import { readVirtual } from './parse-virtual.ts';
import type { Services } from './services.ts';
import { DEFAULT_NAMESPACE, LIMITS } from './table.ts';
import type { Table, Virtual } from './table.ts';
import { tokenize } from './tokens.ts';
import type { Fault } from './tokens.ts';
import { Stopped, Words } from './words.ts';

export type ParsedFile =
  | { readonly ok: true; readonly table: Table }
  /** At least one, at most LIMITS.faults, in the order of the file. */
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** `home`: the namespace of virtual servers whose names say none. */
export function parseConfiguration(text: string, services: Services, home = DEFAULT_NAMESPACE): ParsedFile {
  if (Buffer.byteLength(text) > LIMITS.fileBytes) {
    const read = `a file of ${Buffer.byteLength(text)} bytes`;
    return { ok: false, faults: [{ line: 1, column: 1, read, expected: `at most ${LIMITS.fileBytes} bytes` }] };
  }
  const { tokens, end, fault } = tokenize(text);
  if (fault !== null) return { ok: false, faults: [fault] };
  const words = new Words(tokens, end);
  const virtuals: Virtual[] = [];
  const seen = new Map<string, Virtual>();
  try {
    while (!words.atEnd()) {
      words.keyword(['Virtual'], '"Virtual"');
      const name = words.next('the name of the virtual server');
      const ident = words.judge(name, readIdent(name.text, home));
      const key = `${ident.namespace}/${ident.name}`;
      const earlier = seen.get(key);
      if (earlier?.at !== undefined) {
        words.report(
          name,
          `virtual server ${name.text} a second time`,
          `it once (it stands in line ${earlier.at.line})`,
        );
      }
      if (virtuals.length >= LIMITS.virtuals) {
        words.stop(name, 'one more virtual server', `at most ${LIMITS.virtuals}`);
      }
      const virtual = readVirtual(words, ident, name, services);
      virtuals.push(virtual);
      seen.set(key, virtual);
    }
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  }
  return words.faults.length > 0
    ? {
        ok: false,
        faults: words.faults.toSorted((a, b) => a.line - b.line || a.column - b.column).slice(0, LIMITS.faults),
      }
    : { ok: true, table: { virtuals } };
}

/** `FILE:LINE:COLUMN: read …, expected …` */
export function faultText(file: string, fault: Fault): string {
  return `${file}:${fault.line}:${fault.column}: read ${fault.read}, expected ${fault.expected}`;
}
