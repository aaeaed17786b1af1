/** Reads the command line of a `tcpvs` command by a table of its options, and prints the table as help. */
import { parseArgs } from 'node:util';

import { nearestWord } from './nearest.ts';
import type { Style } from './output.ts';

/** The command line itself is wrong: one line for standard error, exit status 2. */
export class UsageError extends Error {}

/** What was asked for could not be done: one line for standard error, exit status 1. */
export class CommandFailed extends Error {}

export interface OptionSpec {
  readonly short?: string;
  /** What its value is called; none: a flag. */
  readonly value?: string;
  readonly help: string;
  /** May stand several times. */
  readonly many?: boolean;
}

export interface CommandHelp {
  readonly name: string;
  /** What stands after the options. */
  readonly operands?: string;
  readonly summary: string;
  /** Paragraphs. */
  readonly text?: readonly string[];
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly examples: readonly string[];
}

export interface CommandLine {
  flag(name: string): boolean;
  /** The value of an option that may stand once. */
  value(name: string): string | null;
  values(name: string): readonly string[];
  readonly operands: readonly string[];
  /** `--help` stands somewhere: everything else is of no interest. */
  readonly help: boolean;
}

/** Errors: UsageError, for an option that is unknown, lacks its value, has one that it does not take, or stands twice. */
export function readCommandLine(help: CommandHelp, args: readonly string[]): CommandLine {
  const options: Record<string, OptionSpec> = { ...help.options, help: { short: 'h', help: '' } };
  const { tokens, positionals } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(
      Object.entries(options).map(([name, { short, value }]) => [
        name,
        { type: value === undefined ? 'boolean' : 'string', multiple: true, ...(short === undefined ? {} : { short }) },
      ]),
    ),
  });
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const spec = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (spec === undefined) throw new UsageError(unknownOption(token.rawName, Object.keys(options)));
    if (spec.value === undefined && token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`);
    if (spec.value !== undefined && (token.value === undefined || swallowed(token, options))) {
      throw new UsageError(`${token.rawName} needs a value: ${token.rawName} ${spec.value}`);
    }
    const values = given.get(token.name) ?? [];
    if (values.length > 0 && spec.many !== true && token.name !== 'help') {
      throw new UsageError(`${token.rawName} stands twice`);
    }
    given.set(token.name, [...values, token.value ?? '']);
  }
  if (help.operands === undefined && positionals.length > 0 && !given.has('help')) {
    throw new UsageError(`unexpected word "${positionals[0]}"`);
  }
  return {
    flag: (name) => given.has(name),
    value: (name) => given.get(name)?.[0] ?? null,
    values: (name) => given.get(name) ?? [],
    operands: positionals,
    help: given.has('help'),
  };
}

/** `--config --workers 2`: the value is an option, so the value was forgotten. */
function swallowed(
  token: { readonly value?: string | undefined; readonly inlineValue?: boolean | undefined },
  options: Readonly<Record<string, unknown>>,
): boolean {
  const name = /^--([^=]+)/.exec(token.value ?? '')?.[1];
  return token.inlineValue !== true && name !== undefined && Object.hasOwn(options, name);
}

function unknownOption(read: string, names: readonly string[]): string {
  const near = nearestWord(read.replace(/^-+/, ''), names);
  return `unknown option ${read}${near === null ? '' : `; did you mean --${near}?`}`;
}

const INDENT = 30;

export function helpText(help: CommandHelp, style: Style): string {
  const options = Object.entries({ ...help.options, help: { short: 'h', help: 'this text' } });
  return [
    `${style.bold(`tcpvs ${help.name}`)}: ${help.summary}`,
    '',
    `${style.bold('Usage')}: tcpvs ${help.name}${options.length > 1 ? ' [options]' : ''}${help.operands === undefined ? '' : ` ${help.operands}`}`,
    ...(help.text ?? []).flatMap((paragraph) => ['', paragraph]),
    '',
    style.bold('Options'),
    ...options.map(([name, spec]) => optionLine(name, spec)),
    '',
    style.bold('Examples'),
    ...help.examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
}

function optionLine(name: string, { short, value, help }: OptionSpec): string {
  const left = `  ${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
  const [first = '', ...more] = help.split('\n');
  const lines = left.length < INDENT ? [`${left.padEnd(INDENT)}${first}`] : [left, `${' '.repeat(INDENT)}${first}`];
  return [...lines, ...more.map((line) => `${' '.repeat(INDENT)}${line}`)].join('\n');
}
