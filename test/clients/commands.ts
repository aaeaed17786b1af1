/** Other people's programs: which of them are here, and what they say. */
import { spawn, spawnSync } from 'node:child_process';
import { text } from 'node:stream/consumers';

import { ENVIRONMENT } from '../../bench/measure/process.ts';

/** In ms. */
const PATIENCE = 300_000;

/** What `make tools` installs on a Debian machine as root: there a test that needs it must not be left out. */
const BY_TOOLS = new Set(['curl', 'wget', 'ab', 'h2load', 'faketime']);
const HAS_TOOLS = process.platform === 'linux' && process.getuid?.() === 0;

/** Why a test cannot be run here, for `skip`; false: all of these commands are there, or have to be. */
export function missing(commands: readonly string[]): string | false {
  const absent = commands
    .filter((command) => !(HAS_TOOLS && BY_TOOLS.has(command)))
    .filter((command) => spawnSync('which', [command], { env: ENVIRONMENT }).status !== 0);
  return absent.length > 0 ? `${absent.join(' and ')} not installed (make tools says how)` : false;
}

/** Errors: exit status and what it said, where that is not 0. */
export async function run(
  command: string,
  args: readonly string[],
  directory?: string,
  patience = PATIENCE,
): Promise<{ stdout: string }> {
  const child = spawn(command, args, {
    cwd: directory,
    env: ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: patience,
    killSignal: 'SIGKILL',
  });
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? '' : `exit status ${code ?? signal}`));
  });
  const [stdout, stderr, how] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  if (how !== '') throw new Error(`${command} ${args.join(' ')}: ${how}\n${stderr}${stdout}`);
  return { stdout };
}
