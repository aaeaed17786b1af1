import { access, constants, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { SUPERVISED } from '../proxy/supervisor/protocol.ts';
import { createLogger } from '../telemetry/log.ts';
import { helpText, readCommandLine, UsageError } from './command-line.ts';
import { endProcess } from './end-process.ts';
import { EXIT } from './exit-codes.ts';
import type { Output } from './output.ts';
import { SERVE_HELP, type ServeOptions, serveOptions } from './serve-options.ts';

/**
 * `tcpvs serve`. The process that was called is the supervisor: it keeps the listening descriptors and starts this
 * program again as the serving process, which finds a supervisor in its environment.
 */
export async function serve(args: readonly string[], { out, style }: Output): Promise<number> {
  const line = readCommandLine(SERVE_HELP, args);
  if (line.help) {
    out(helpText(SERVE_HELP, style));
    return EXIT.ok;
  }
  const options = serveOptions(line);
  if (process.env[SUPERVISED] !== undefined) {
    const { runServing } = await import('./serving.ts');
    return await runServing(options);
  }
  await checkConfig(options);
  const [, entry] = process.argv;
  if (entry === undefined) throw new Error('the name of this program is not known');
  const { superviseServing } = await import('../proxy/supervisor/supervise.ts');
  const log = createLogger({ level: options.logLevel }).child({ process: 'supervisor' });
  const deadline = options.drainTimeout + options.drainDelay + ENDING;
  const code = await superviseServing({ entry, args: ['serve', ...args], deadline, log });
  return await endProcess(log, code);
}

/** Milliseconds that the serving process has, after draining, to close and to write what it keeps. */
const ENDING = 1500;

/** A wrong path is told here, at once and in one line; later, a path that disappears changes nothing. */
async function checkConfig({ config, stateDir }: ServeOptions): Promise<void> {
  if (await isThere(config)) {
    const info = await stat(config);
    // A pipe waits for its writer, and that is nothing to watch.
    if (info.isFile() || info.isDirectory()) return;
    throw new UsageError(`--config ${config}: is neither a directory nor a file`);
  }
  if (stateDir !== null && (await isThere(join(stateDir, 'state.json')))) return;
  throw new UsageError(`--config ${config}: no such file or directory, or it may not be read`);
}

function isThere(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}
