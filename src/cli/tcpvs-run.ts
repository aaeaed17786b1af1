/** The commands of `tcpvs`; each is loaded when it is called, so that start is fast. */
import { CommandFailed, readCommandLine, UsageError } from './command-line.ts';
import { EXIT } from './exit-codes.ts';
import { nearestWord } from './nearest.ts';
import { type Output, printable, type Style } from './output.ts';

interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<(args: readonly string[], output: Output) => Promise<number>>;
}

const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  serve: {
    summary: 'dispatch requests by a directory of manifests or a KTCPVS configuration file',
    load: async () => (await import('./serve.ts')).serve,
  },
  proxy: {
    summary: 'in a cluster: take snapshots from the controller, dispatch requests by them',
    load: async () => (await import('./proxy.ts')).proxy,
  },
  controller: {
    summary: 'in a cluster: watch its objects, serve snapshots to the proxies, write statuses',
    load: async () => (await import('./controller.ts')).controller,
  },
  'open-gates': {
    summary: 'in a cluster: let pods go that wait for a controller to choose their node',
    load: async () => (await import('./open-gates.ts')).openGates,
  },
  validate: {
    summary: 'check manifests and configuration files, without a server',
    load: async () => (await import('./validate.ts')).validate,
  },
  explain: {
    summary: 'which rule takes a request, which destinations with which shares, and why',
    load: async () => (await import('./explain.ts')).explain,
  },
  profile: {
    summary: 'what is asked of the apps and what their requests take, as a running server has learned it',
    load: async () => (await import('./profile.ts')).profile,
  },
  placement: {
    summary: 'which weights the placement manager of a running server recommends or has put in force, and why',
    load: async () => (await import('./placement.ts')).placement,
  },
  optimize: {
    summary: 'which workload runs where, with which weights, for a problem file of demands and capacities',
    load: async () => (await import('./optimize.ts')).optimize,
  },
  simulate: {
    summary: 'what clients would get after a change of weights, a lost host, another demand',
    load: async () => (await import('./simulate.ts')).simulate,
  },
  demo: {
    summary: 'five servers, six apps and the weight matrix at work, on this machine',
    load: async () => (await import('./demo.ts')).demo,
  },
  version: { summary: 'print the version', load: async () => version },
};

/** Runs a command; resolves to the exit status. */
export async function runTcpvs(args: readonly string[], output: Output): Promise<number> {
  const [name, ...rest] = args;
  try {
    if (name === undefined) {
      output.err(overview(output.style));
      return EXIT.usage;
    }
    if (name === '--version' || name === '-V') return await version([], output);
    if (name === '--help' || name === '-h') return print(overview(output.style), output);
    if (name === 'help')
      return rest[0] === undefined
        ? print(overview(output.style), output)
        : await runTcpvs([rest[0], '--help'], output);
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined) throw new UsageError(unknownCommand(name));
    const run = await command.load();
    return await run(rest, output);
  } catch (error) {
    if (error instanceof CommandFailed) {
      output.err(`tcpvs: ${printable(error.message)}\n`);
      return EXIT.failed;
    }
    if (!(error instanceof UsageError)) throw error;
    const help = name !== undefined && Object.hasOwn(COMMANDS, name) ? `tcpvs ${name} --help` : 'tcpvs --help';
    output.err(`tcpvs: ${error.message} (see ${help})\n`);
    return EXIT.usage;
  }
}

async function version(args: readonly string[], output: Output): Promise<number> {
  const help = { name: 'version', summary: 'print the version', options: {}, examples: ['tcpvs version'] };
  if (readCommandLine(help, args).help) return print('tcpvs version: print the version\n', output);
  const { VERSION } = await import('./version.ts');
  return print(`tcpvs ${VERSION}\n`, output);
}

function unknownCommand(name: string): string {
  const near = nearestWord(name, Object.keys(COMMANDS));
  const known = near === null ? `there is ${Object.keys(COMMANDS).join(', ')}` : `did you mean ${near}?`;
  return name.startsWith('-')
    ? `unknown option ${name}`
    : `unknown command ${JSON.stringify(name.slice(0, 64))}; ${known}`;
}

function overview(style: Style): string {
  return [
    `${style.bold('tcpvs')}: a layer-7 load balancer dispatched by a weight matrix over hosts x apps`,
    '',
    `${style.bold('Usage')}: tcpvs COMMAND [options]`,
    '',
    style.bold('Commands'),
    ...Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`),
    '',
    'tcpvs COMMAND --help tells more. A running server is changed and listed by tcpvsadm.',
    '',
    'Exit status: 0 done, 1 it failed (or faults were found), 2 wrong command line.',
    '',
    style.bold('Examples'),
    '  tcpvs serve --config examples/01-eapac-demo --admin 127.0.0.1:9000',
    '  tcpvs validate examples/01-eapac-demo',
    '  tcpvs explain GET http://127.0.0.1:8000/appc/x --config examples/01-eapac-demo',
    '',
  ].join('\n');
}

function print(text: string, output: Output): number {
  output.out(text);
  return EXIT.ok;
}
