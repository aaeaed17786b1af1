import { spawn } from 'node:child_process';

export interface CommandResult {
  /** Null: ended by a signal, or never started. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | undefined;
  /** Besides this process's own; or in its place, where `clean`. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly clean?: boolean;
  /** Milliseconds until it is killed; 2 minutes unless told otherwise. */
  readonly patience?: number;
}

/** Runs a command to its end. Never rejects. */
export function run(command: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
  const { input, environment, clean = false, patience = 120_000 } = options;
  const [file = '', ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      env: { ...(clean ? {} : process.env), ...environment },
      timeout: patience,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    // It may end without having read all of it.
    child.stdin.on('error', () => {}).end(input);
    child.once('error', (error) => resolve({ code: null, stdout, stderr: stderr + error.message }));
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** The same, for what must work: resolves with its standard output, rejects with what it said. */
export async function must(command: readonly string[], options: RunOptions = {}): Promise<string> {
  return outputOf(command.join(' '), run(command, options));
}

/** Resolves with the standard output of what must have worked; rejects with what it said. */
export async function outputOf(name: string, result: Promise<CommandResult>): Promise<string> {
  const { code, stdout, stderr } = await result;
  if (code !== 0) throw new Error(`${name}: exit code ${code}: ${stderr}${stdout}`);
  return stdout;
}
