/**
 * The network of a testbed, inside the namespaces that this process was started in: where it is itself, the balancer and the
 * clients are too; every node has a network namespace of its own, joined by a veth pair. Nothing outside can be reached, and all of
 * it goes with the last process in it.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/** What, before a command, runs it in new namespaces whose first process dies with this one, and all others with that. */
export const ISOLATED =
  'setpriv --pdeathsig KILL -- unshare --net --mount --pid --fork --kill-child=SIGKILL --mount-proc --'.split(' ');

const TOOLS = ['setpriv', 'unshare', 'mount', 'ip', 'dd'];

/** Why no network can be made here; null: it can. */
export function whyNoNetwork(): string | null {
  if (process.platform !== 'linux') return 'nodes are network namespaces, which only Linux has';
  if (process.getuid?.() !== 0) return 'nodes are network namespaces: run it as root';
  const missing = TOOLS.filter((tool) => !has(tool));
  return missing.length === 0 ? null : `the testbed needs ${missing.join(', ')}`;
}

/** To be called once, first. */
export function openNetwork(): void {
  mkdirSync('/run/netns', { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run/netns']);
  ip(['link', 'set', 'lo', 'up']);
}

export interface NodeNetwork {
  readonly address: string;
  /** What, before a command, runs it there. */
  readonly enter: readonly string[];
}

let links = 0;

/** @param name of the namespace, its own */
export function addNode(name: string): NodeNetwork {
  const link = ++links;
  const network = `10.77.${link >> 6}.${(link & 63) * 4}`;
  const [near, far] = [1, 2].map((host) => network.replace(/\d+$/, (last) => String(Number(last) + host)));
  ip(['netns', 'add', name]);
  ip(['link', 'add', `node${link}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name]);
  ip(['addr', 'add', `${near}/30`, 'dev', `node${link}`]);
  ip(['link', 'set', `node${link}`, 'up']);
  ip(['-n', name, 'link', 'set', 'lo', 'up']);
  ip(['-n', name, 'addr', 'add', `${far}/30`, 'dev', 'eth0']);
  ip(['-n', name, 'link', 'set', 'eth0', 'up']);
  return { address: far!, enter: ['ip', 'netns', 'exec', name] };
}

function ip(words: readonly string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'inherit'] });
}

function has(tool: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v "$1"`, 'sh', tool], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
