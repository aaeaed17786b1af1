import { helpText, readCommandLine } from './command-line.ts';
import { EXIT } from './exit-codes.ts';
import type { Output } from './output.ts';
import { PROXY_HELP, proxyOptions } from './proxy-options.ts';
import { isServingProcess, supervise } from './serving-process.ts';

/** `tcpvs proxy`: runs until it has drained. */
export async function proxy(args: readonly string[], { out, style }: Output): Promise<number> {
  const line = readCommandLine(PROXY_HELP, args);
  if (line.help) {
    out(helpText(PROXY_HELP, style));
    return EXIT.ok;
  }
  const options = proxyOptions(line);
  if (!isServingProcess()) return await supervise('proxy', args, options);
  const { runProxy } = await import('./proxy-serving.ts');
  return await runProxy(options);
}
