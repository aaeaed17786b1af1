/** `tcpvsadm`: KTCPVS's command line for a running server. Documented in docs/tcpvsadm.md. */
import { runTcpvsadm } from './tcpvsadm-run.ts';

// `tcpvsadm -L | head` closes our standard output: that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = await runTcpvsadm(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
});
