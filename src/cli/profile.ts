/** `tcpvs profile`: what a running server has learned of its apps. */
import type { ProfilesDocument } from '../admin/contract.ts';
import { AdminClient, AdminError } from './admin-client.ts';
import { CommandFailed, type CommandHelp, type CommandLine, helpText, readCommandLine } from './command-line.ts';
import { EXIT } from './exit-codes.ts';
import { connectLive, isLive, LIVE_OPTIONS } from './live-cluster.ts';
import { matricesWanted, wantedMatrix } from './matrix-operand.ts';
import type { Output } from './output.ts';
import { profilesText } from './profile-text.ts';
import { socketPath } from './socket-path.ts';

const HELP: CommandHelp = {
  name: 'profile',
  operands: '[NAMESPACE/MATRIX]',
  summary: 'what is asked of the apps and what their requests take, as a running server has learned it',
  text: [
    'For each app of each matrix: demand, response time, how its throughput follows the number of requests in flight,\n' +
      'and what a request costs where that is given; each with its error and where it comes from. docs/profiles.md tells\n' +
      'how it is learned.',
  ],
  options: {
    socket: { value: 'PATH', help: 'admin socket of the server\n(default: TCPVS_SOCKET, else as tcpvs serve)' },
    ...LIVE_OPTIONS,
    cells: { help: 'each server of an app by itself, too' },
    json: { help: 'print as JSON' },
  },
  examples: ['tcpvs profile', 'tcpvs profile default/eapac --cells', 'tcpvs profile --live --namespace shop --json'],
};

export async function profile(args: readonly string[], output: Output): Promise<number> {
  const line = readCommandLine(HELP, args);
  if (line.help) {
    output.out(helpText(HELP, output.style));
    return EXIT.ok;
  }
  wantedMatrix(line);
  const document = await read(line);
  const matrices = matricesWanted(
    line,
    document.matrices,
    (key, others) => `there is no matrix ${key}; there is ${others === '' ? 'none' : others}`,
  );
  output.out(
    line.flag('json')
      ? `${JSON.stringify({ ...document, matrices }, null, 2)}\n`
      : profilesText(matrices, { style: output.style, cells: line.flag('cells') }),
  );
  return EXIT.ok;
}

async function read(line: CommandLine): Promise<ProfilesDocument> {
  try {
    if (!isLive(line)) return await new AdminClient(socketPath(line.value('socket') ?? undefined)).profiles();
    // The Kubernetes client takes a quarter of a second to load: not where only a socket is spoken to.
    const { connectApi } = await import('../kube/connect.ts');
    const { ClusterClient } = await import('./cluster-client.ts');
    const { api } = connectLive(line, connectApi);
    try {
      return await new ClusterClient(api, '').profiles();
    } finally {
      api.close();
    }
  } catch (error) {
    if (error instanceof AdminError) throw new CommandFailed(error.message);
    throw error;
  }
}
