import type { Surroundings } from './tcpvsadm-run.ts';

/** The process' own streams, for the programs that tcpvsadm is called by. */
export function surroundings(): Surroundings {
  // `tcpvsadm -L | head` closes our standard output: that is no error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  const { stdin, stdout, stderr, env } = process;
  return { stdin, stdout, stderr, environment: env };
}
