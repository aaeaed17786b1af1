/** The text of --help, made from the tables of commands and options. */
import type { Style } from './output.ts';
import { COMMANDS, wordsOf } from './tcpvsadm-options.ts';
import type { CommandSpec, Dialect, OptionName, OptionSpec } from './tcpvsadm-options.ts';

export function helpText(style: Style, dialect: Dialect): string {
  const { options, places } = wordsOf(dialect);
  const { what, where, exit } = TEXTS[dialect];
  return [
    `${style.bold(dialect)} ${what}`,
    '',
    style.bold('Commands'),
    ...Object.values(COMMANDS).map((command: CommandSpec) =>
      entry(command, [...synopsis(command, options), command.help]),
    ),
    '',
    style.bold('Options'),
    ...[...Object.values(options), ...Object.values(places)].map((option: OptionSpec) => entry(option, [option.help])),
    '',
    ...where,
    exit,
    '',
    style.bold('Examples'),
    ...EXAMPLES[dialect].map((example) => `  ${example}`),
    '',
  ].join('\n');
}

/** Where the second column begins, and how wide it may be. */
const INDENT = 34;
const WIDTH = 70;

const TEXTS: Readonly<Record<Dialect, { what: string; where: readonly string[]; exit: string }>> = {
  tcpvsadm: {
    what: 'changes and lists the virtual servers of a running tcpvs, or of a cluster.',
    where: [
      'The server is found by --socket, else by TCPVS_SOCKET, else at the default socket. With --kubeconfig or --context the',
      "table is the cluster's objects, as for kubectl tcpvs.",
    ],
    exit: 'Exit status: 0 done, 1 refused or no server, 2 wrong command line; nothing changes unless it is 0.',
  },
  'kubectl tcpvs': {
    what: 'changes and lists the virtual servers of a namespace, with the commands of tcpvsadm.',
    where: ['The cluster is the one that kubectl speaks to: --kubeconfig, else KUBECONFIG, else ~/.kube/config.'],
    exit: 'Exit status: 0 done, 1 refused or no cluster, 2 wrong command line.',
  },
};

const TCPVSADM_EXAMPLES = [
  'tcpvsadm -A -i http -s http -P 8080                                   # add, stopped as yet',
  'tcpvsadm -a -i http -r r1:80',
  "tcpvsadm --add-rule -i http --pattern='/images/.*' -r r1:80",
  'tcpvsadm --start -i http',
  "tcpvsadm --add-rule -i http --pattern='/appc/.*' --weight 87 -r web2:8080   # one cell of the matrix",
  'tcpvsadm -e -i http -r r1:80 -w 0                                     # quiesce r1',
  'tcpvsadm -L -n > table.conf; tcpvsadm -f table.conf                   # save, restore',
];

const EXAMPLES: Readonly<Record<Dialect, readonly string[]>> = {
  tcpvsadm: TCPVSADM_EXAMPLES,
  'kubectl tcpvs': [
    'kubectl tcpvs -n shop                                                 # list, with shares asked and delivered',
    "kubectl tcpvs -n shop --add-rule -i http -p '/appc/.*' -w 50 -r @web2  # one cell of the matrix",
    'kubectl tcpvs -n shop -e -i http -r @web1 -w 0                        # quiesce web1',
    'kubectl tcpvs -n shop --stop -i http',
    'kubectl tcpvs --context production -n shop -L --json',
  ],
};

function entry(spec: OptionSpec, texts: readonly string[]): string {
  const short = spec.short === undefined ? '    ' : `-${spec.short}, `;
  const value = spec.value === undefined ? '' : ` ${spec.value}`;
  const [first = '', ...others] = texts.filter((text) => text !== '');
  const name = `  ${short}--${spec.long}${value}`;
  return [`${name.padEnd(INDENT)}${first}`, ...others.map((text) => `${' '.repeat(INDENT)}${text}`)].join('\n');
}

function synopsis({ needs, may }: CommandSpec, options: Readonly<Record<OptionName, OptionSpec>>): string[] {
  const one = (name: OptionName) => optionText(options[name]);
  const all = [...needs.map(one), ...may.map((name) => `[${one(name)}]`)];
  const lines: string[] = [];
  for (const each of all) {
    const last = lines.at(-1);
    if (last === undefined || last.length + each.length > WIDTH) lines.push(each);
    else lines[lines.length - 1] = `${last} ${each}`;
  }
  return lines;
}

function optionText({ long, short, value }: OptionSpec): string {
  return `${short === undefined ? `--${long}` : `-${short}`}${value === undefined ? '' : ` ${value}`}`;
}
