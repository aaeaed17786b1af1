/** Who has a port: for messages that tell a person what to do, not only that something failed. */
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

export function portInUse(address: string, port: number): string {
  const owner = portOwner(port);
  const by = owner === null ? '' : ` by ${owner.name} (process ${owner.pid})`;
  return `${address}:${port} is in use${by}; end that, or choose other ports: make run ARGS='--port 8001 --server-port 8081' (or bin/tcpvs demo with these)`;
}

/** The process that listens on a TCP port, where /proc tells (Linux, own processes or root); else null. */
export function portOwner(port: number): { pid: number; name: string } | null {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => listeningInodes(read(file), port)));
  if (inodes.size === 0) return null;
  for (const pid of list('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const descriptor of list(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${descriptor}`))?.[1];
      if (inode !== undefined && inodes.has(inode)) {
        return { pid: Number(pid), name: read(`/proc/${pid}/comm`).trim() };
      }
    }
  }
  return null;
}

/**
 * A port that can be had on 127.0.0.1 now. Below the range from which kernels take ports by themselves (32768 on Linux),
 * so that nobody gets it by chance between now and when it is bound.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; ; tries++) {
    const port = randomInt(20_000, 32_000);
    const free = await bindable(port);
    if (free || tries === 50) return port;
  }
}

function bindable(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Lines of /proc/net/tcp: `sl local_address rem_address st … inode`; state 0A is LISTEN, ports are hexadecimal. */
export function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && fields[1]?.endsWith(suffix) === true)
    .flatMap((fields) => fields[9] ?? []);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
