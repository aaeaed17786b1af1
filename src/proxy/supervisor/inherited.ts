/** Descriptors that systemd hands over (sd_listen_fds(3)): from 3 on, meant for the process that LISTEN_PID names. */
import fs from 'node:fs';

import { adoptDescriptor, type BoundHandle } from './bind.ts';
import { whereKey, type Where } from './protocol.ts';

const FIRST = 3;
/** More are no socket activation but a mistake. */
const MOST = 1024;

export function inheritedSockets(env: NodeJS.ProcessEnv, pid: number): InheritedSockets {
  const sockets = new Map<string, BoundHandle>();
  const count = Number(env['LISTEN_FDS'] ?? 0);
  if (Number(env['LISTEN_PID']) === pid && Number.isInteger(count) && count <= MOST) {
    for (let fd = FIRST; fd < FIRST + count; fd++) {
      const handle = adoptDescriptor(fd);
      const where = handle === null ? null : locate(handle, fd);
      if (handle !== null && where !== null) sockets.set(whereKey(where), handle);
    }
  }
  return {
    names: [...sockets.keys()],
    take: (where) => {
      // `0.0.0.0` in a unit file where the configuration says `::`: binding `::` beside it would fail.
      const keys =
        'address' in where && where.address === '::' ? [whereKey(where), `0.0.0.0 ${where.port}`] : [whereKey(where)];
      for (const key of keys) {
        const handle = sockets.get(key);
        if (handle !== undefined) return handle;
      }
      return null;
    },
  };
}

export interface InheritedSockets {
  readonly names: readonly string[];
  /** The inherited socket for an address, or null. It stays ours: it is never closed, since systemd alone could bind it again. */
  readonly take: (where: Where) => BoundHandle | null;
}

function locate(handle: BoundHandle, fd: number): Where | null {
  if (handle.getsockname !== undefined) {
    const out: { address?: string; port?: number } = {};
    const failed = handle.getsockname(out) !== 0 || out.address === undefined || out.port === undefined;
    return failed ? null : { address: out.address!, port: out.port! };
  }
  const path = socketPath(fd);
  return path === null ? null : { path };
}

/** Node does not tell the path of a Unix socket: the kernel's table does, by inode. */
function socketPath(fd: number): string | null {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/self/fd/${fd}`))?.[1];
    if (inode === undefined) return null;
    for (const line of fs.readFileSync('/proc/net/unix', 'utf8').split('\n')) {
      const fields = line.trim().split(/\s+/);
      if (fields[6] === inode) return fields.slice(7).join(' ') || null;
    }
  } catch {
    // Not Linux, or no /proc: such a socket cannot be matched by its path.
  }
  return null;
}
