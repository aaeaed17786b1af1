/** `tcpvs placement`: what the placement manager of a running server, or of a cluster, recommends or does, and why. */
import type { StatusDocument } from '../admin/contract.ts';
import { AdminClient, AdminError } from './admin-client.ts';
import { CommandFailed, type CommandHelp, type CommandLine, helpText, readCommandLine } from './command-line.ts';
import { EXIT } from './exit-codes.ts';
import { isLive, LIVE_OPTIONS, readLive } from './live-cluster.ts';
import { matricesWanted, wantedMatrix } from './matrix-operand.ts';
import type { Output } from './output.ts';
import { placementsOf, placementsText } from './placement-text.ts';
import { socketPath } from './socket-path.ts';

const HELP: CommandHelp = {
  name: 'placement',
  operands: '[NAMESPACE/MATRIX]',
  summary: 'which weights the placement manager of a running server recommends or has put in force, and why',
  text: [
    'For each matrix in mode Recommend or Auto: the shares in force, those that would be better for the demand, and the\n' +
      'reason why they rule or do not. docs/placement.md tells how it is decided.',
  ],
  options: {
    socket: { value: 'PATH', help: 'admin socket of the server\n(default: TCPVS_SOCKET, else as tcpvs serve)' },
    ...LIVE_OPTIONS,
    json: { help: 'print as JSON' },
  },
  examples: ['tcpvs placement', 'tcpvs placement default/eapac --json', 'tcpvs placement --live --namespace shop'],
};

export async function placement(args: readonly string[], output: Output): Promise<number> {
  const line = readCommandLine(HELP, args);
  if (line.help) {
    output.out(helpText(HELP, output.style));
    return EXIT.ok;
  }
  wantedMatrix(line);
  const placements = matricesWanted(
    line,
    placementsOf(await read(line)),
    (key, others) => `no matrix ${key} has computed weights; ${others === '' ? 'none has' : `${others} has`}`,
  );
  output.out(line.flag('json') ? `${JSON.stringify(placements, null, 2)}\n` : placementsText(placements, output.style));
  return EXIT.ok;
}

async function read(line: CommandLine): Promise<StatusDocument['objects']> {
  if (isLive(line)) return (await readLive(line)).objects as StatusDocument['objects'];
  try {
    return (await new AdminClient(socketPath(line.value('socket') ?? undefined)).status()).objects;
  } catch (error) {
    if (error instanceof AdminError) throw new CommandFailed(error.message);
    throw error;
  }
}
