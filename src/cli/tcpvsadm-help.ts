/** The text of --help, made from the tables of commands and options. */
import type { Style } from './output.ts';
import { COMMANDS, OPTIONS, SOCKET } from './tcpvsadm-options.ts';
import type { CommandSpec, OptionName, OptionSpec } from './tcpvsadm-options.ts';

export function helpText(style: Style): string {
  return [
    `${style.bold('tcpvsadm')} changes and lists the virtual servers of a running tcpvs.`,
    '',
    style.bold('Commands'),
    ...Object.values(COMMANDS).map((command: CommandSpec) => entry(command, [...synopsis(command), command.help])),
    '',
    style.bold('Options'),
    ...[...Object.values(OPTIONS), SOCKET].map((option: OptionSpec) => entry(option, [option.help])),
    '',
    `The server is found by --socket, else by TCPVS_SOCKET, else at the default socket.`,
    'Exit status: 0 done, 1 refused or no server, 2 wrong command line; nothing changes unless it is 0.',
    '',
    style.bold('Examples'),
    ...EXAMPLES.map((example) => `  ${example}`),
    '',
  ].join('\n');
}

/** Where the second column begins, and how wide it may be. */
const INDENT = 34;
const WIDTH = 70;

const EXAMPLES = [
  'tcpvsadm -A -i http -s http -P 8080                                   # add, stopped as yet',
  'tcpvsadm -a -i http -r r1:80',
  "tcpvsadm --add-rule -i http --pattern='/images/.*' -r r1:80",
  'tcpvsadm --start -i http',
  "tcpvsadm --add-rule -i http --pattern='/appc/.*' --weight 87 -r web2:8080   # one cell of the matrix",
  'tcpvsadm -e -i http -r r1:80 -w 0                                     # quiesce r1',
  'tcpvsadm -L -n > table.conf; tcpvsadm -f table.conf                   # save, restore',
];

function entry(spec: OptionSpec, texts: readonly string[]): string {
  const short = spec.short === undefined ? '    ' : `-${spec.short}, `;
  const value = spec.value === undefined ? '' : ` ${spec.value}`;
  const [first = '', ...others] = texts.filter((text) => text !== '');
  const name = `  ${short}--${spec.long}${value}`;
  return [`${name.padEnd(INDENT)}${first}`, ...others.map((text) => `${' '.repeat(INDENT)}${text}`)].join('\n');
}

function synopsis({ needs, may }: CommandSpec): string[] {
  const all = [...needs.map(one), ...may.map((name) => `[${one(name)}]`)];
  const lines: string[] = [];
  for (const each of all) {
    const last = lines.at(-1);
    if (last === undefined || last.length + each.length > WIDTH) lines.push(each);
    else lines[lines.length - 1] = `${last} ${each}`;
  }
  return lines;
}

function one(name: OptionName): string {
  const { long, short, value }: OptionSpec = OPTIONS[name];
  return `${short === undefined ? `--${long}` : `-${short}`}${value === undefined ? '' : ` ${value}`}`;
}
