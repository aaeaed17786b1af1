/** Load from another network namespace, as somebody outside the cluster makes it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import type { LoadPlan, LoadReport } from './load-process.ts';

export interface Load {
  /** Ends it after the requests that are under way. */
  stop(): Promise<LoadReport>;
}

/** `within`: the command that puts a process into the clients' namespace (`ip netns exec NAME`); [] stays in this one. */
export function startLoad(plan: LoadPlan, within: readonly string[]): Load {
  const words = [...within, process.execPath, join(import.meta.dirname, 'load-process.ts'), JSON.stringify(plan)];
  const child = spawn(words[0] ?? process.execPath, words.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  const output = text(child.stdout);
  const ended = once(child, 'close');
  return {
    stop: async () => {
      child.stdin.end('stop\n');
      const [code] = (await ended) as [number | null];
      if (code !== 0) throw new Error(`the load ended with ${code}`);
      return JSON.parse(await output) as LoadReport;
    },
  };
}
