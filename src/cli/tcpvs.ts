/** `tcpvs`: one program, one command per way to run it. */
import { EXIT } from './exit-codes.ts';
import { processOutput } from './output.ts';
import { runTcpvs } from './tcpvs-run.ts';

// `tcpvs validate … | head` closes our standard output: that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.ok);
});

process.exitCode = await runTcpvs(process.argv.slice(2), processOutput());
