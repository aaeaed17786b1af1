import { access, constants, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { helpText, readCommandLine, UsageError } from './command-line.ts';
import { EXIT } from './exit-codes.ts';
import type { Output } from './output.ts';
import { SERVE_HELP, type ServeOptions, serveOptions } from './serve-options.ts';
import { isServingProcess, supervise } from './serving-process.ts';

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
  if (isServingProcess()) {
    const { runServing } = await import('./serving.ts');
    return await runServing(options);
  }
  await checkConfig(options);
  return await supervise('serve', args, options);
}

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
