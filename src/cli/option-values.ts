/** Values of options that several commands have. Errors: UsageError, naming the option, what was read and what was expected. */
import { isIP } from 'node:net';

import { isLogLevel, LOG_LEVELS, type LogLevel } from '../telemetry/log.ts';
import { type CommandLine, UsageError } from './command-line.ts';

export interface HostPort {
  readonly address: string;
  readonly port: number;
}

export interface NumberRange {
  readonly otherwise: number;
  readonly least: number;
  readonly most: number;
  readonly whole: boolean;
}

export function numberOption(line: CommandLine, name: string, range: NumberRange): number {
  const { otherwise, least, most, whole } = range;
  const text = line.value(name);
  if (text === null) return otherwise;
  const value = Number(text);
  const is = /^\d+(?:\.\d+)?$/.test(text) && value >= least && value <= most && (!whole || Number.isInteger(value));
  if (!is) throw wrongOption(name, text, `${whole ? 'an integer' : 'a number'} from ${least} to ${most}`);
  return value;
}

const UNITS = ['', 'K', 'M', 'G', 'T'];

/** Bytes, as Kubernetes writes them: `268435456`, `256Mi`, `1.5G`. Null where it is not said. */
export function sizeOption(line: CommandLine, name: string, least: number): number | null {
  const text = line.value(name);
  if (text === null) return null;
  const [, digits, unit = '', binary] = /^(\d+(?:\.\d+)?)([KMGT]?)(i?)$/.exec(text) ?? [];
  const value = Number(digits) * (binary === 'i' ? 1024 : 1000) ** UNITS.indexOf(unit);
  if (!(value >= least) || (binary === 'i' && unit === '')) {
    throw wrongOption(name, text, `a size of at least ${least / 2 ** 20}Mi, such as 512Mi, 1.5G or 268435456`);
  }
  return Math.floor(value);
}

/** `127.0.0.1:9000`, `[::1]:9000`, `localhost:9000`. */
export function addressOption(line: CommandLine, name: string): HostPort | null {
  const text = line.value(name);
  if (text === null) return null;
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3]);
  const numeric = host === 'localhost' ? '127.0.0.1' : host;
  if (match === null || isIP(numeric) === 0 || port > 65_535) {
    throw wrongOption(name, text, 'ADDRESS:PORT with a numeric address, such as 127.0.0.1:9000 or [::1]:9000');
  }
  return { address: numeric, port };
}

export function networksOption(line: CommandLine, name: string): readonly string[] {
  const parts = listOption(line, name);
  for (const part of parts) {
    const [ip = '', prefix, ...rest] = part.split('/');
    const bits = isIP(ip) === 6 ? 128 : 32;
    const right =
      isIP(ip) !== 0 &&
      rest.length === 0 &&
      (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits));
    if (!right) throw wrongOption(name, part, 'a network such as 10.0.0.0/8 or fd00::/8');
  }
  return parts;
}

/** Separated by commas; none given: an empty list. */
export function listOption(line: CommandLine, name: string): readonly string[] {
  const text = line.value(name) ?? '';
  return text === '' ? [] : text.split(',').map((part) => part.trim());
}

/** A label of RFC 1123: names of classes, installations, namespaces. */
export function labelOf(name: string, text: string): string {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) {
    throw wrongOption(name, text, 'a name of lower-case letters, digits and -');
  }
  return text;
}

export function classOption(line: CommandLine): string {
  return labelOf('class', line.value('class') ?? 'tcpvs');
}

export function levelOption(line: CommandLine): LogLevel {
  const level = line.value('log-level') ?? 'info';
  if (!isLogLevel(level)) throw wrongOption('log-level', level, `one of ${LOG_LEVELS.join(', ')}`);
  return level;
}

export function wrongOption(name: string, read: string, expected: string): UsageError {
  return new UsageError(`--${name}: read ${JSON.stringify(read.slice(0, 200))}, expected ${expected}`);
}
