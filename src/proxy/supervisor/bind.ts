/**
 * Binds addresses and paths; the handles are good for `server.listen(handle)`, here or in a child that they are sent to.
 * Never with SO_REUSEPORT: two instances would share a port silently, and a restart would lose what waits in the other's
 * backlog.
 */
import fs from 'node:fs';
import net from 'node:net';
import { dirname } from 'node:path';
import { getSystemErrorMap } from 'node:util';

/** @throws BindError */
export function bindAddress(address: string, port: number): BoundHandle {
  const family = net.isIP(address);
  if (family === 0) throw new BindError(`cannot bind ${address} port ${port}: expected a numeric IPv4 or IPv6 address`);
  const bound = create(address, port, family);
  // No IPv6 in this kernel: `::` means all that there is.
  const result =
    typeof bound === 'number' && address === '::' && NO_IPV6.has(nameOf(bound)) ? create('0.0.0.0', port, 4) : bound;
  if (typeof result === 'number') throw new BindError(bindMessage(`${address} port ${port}`, result, port));
  // libuv keeps EADDRINUSE back until the handle is used.
  const failure = result.getsockname?.({}) ?? 0;
  if (failure === 0) return result;
  result.close();
  throw new BindError(bindMessage(`${address} port ${port}`, failure, port));
}

/**
 * A Unix socket with mode 0600. A file that is there is removed only if it is a socket on which nobody answers.
 *
 * @throws BindError
 */
export async function bindPath(path: string): Promise<BoundHandle> {
  await removeStale(path);
  // Between bind and chmod anybody could connect.
  const before = process.umask(0o177);
  try {
    const result = create(path, -1, -1);
    if (typeof result !== 'number') return result;
    // libuv says EACCES for ENOENT, as Windows does.
    if (!fs.existsSync(dirname(path))) throw new BindError(`cannot bind ${path}: its directory does not exist`);
    throw new BindError(bindMessage(path, result, -1));
  } finally {
    process.umask(before);
  }
}

/** Cannot be bound; the message is for people. */
export class BindError extends Error {
  override name = 'BindError';
}

/** Node's handle of a bound socket. */
export interface BoundHandle {
  close(): void;
  /** Sockets with an address alone; 0 or an error number. */
  getsockname?(out: { address?: string; port?: number; family?: string }): number;
}

/** A handle over an inherited descriptor; null if it is no stream socket. */
export function adoptDescriptor(fd: number): BoundHandle | null {
  const result = createServerHandle(null, null, null, fd);
  return typeof result === 'number' ? null : result;
}

/**
 * What cluster itself binds with. The public way (net.BoundSocket) gives descriptors that only travel between threads,
 * or at spawn; ours must reach a process that runs already.
 */
const { _createServerHandle: createServerHandle } = net as unknown as {
  _createServerHandle: (
    address: string | null,
    port: number | null,
    type: number | null,
    fd?: number,
  ) => BoundHandle | number;
};

const create = (address: string, port: number, type: number) => createServerHandle(address, port, type);

const NO_IPV6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EPROTONOSUPPORT']);

const nameOf = (errno: number): string => getSystemErrorMap().get(errno)?.[0] ?? `error ${errno}`;

function bindMessage(where: string, errno: number, port: number): string {
  const name = nameOf(errno);
  const why: Record<string, string> = {
    EADDRINUSE: 'another process uses it',
    EADDRNOTAVAIL: 'this machine has no such address',
    EACCES: port > 0 && port < 1024 ? 'ports below 1024 need the capability CAP_NET_BIND_SERVICE' : 'permission denied',
    EINVAL: port === -1 ? 'not a possible path' : 'not a possible address',
    ENAMETOOLONG: 'the path is too long for a socket (107 bytes at most)',
  };
  return `cannot bind ${where}: ${why[name] ?? getSystemErrorMap().get(errno)?.[1] ?? 'unknown error'} (${name})`;
}

async function removeStale(path: string): Promise<void> {
  let stat;
  try {
    stat = fs.lstatSync(path);
  } catch {
    return;
  }
  if (!stat.isSocket()) throw new BindError(`cannot bind ${path}: there is a file that is no socket`);
  const answer = await new Promise<string>((resolve) => {
    const socket = net.connect(path);
    socket.on('connect', () => resolve('connected'));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    setTimeout(() => resolve('silent'), 1000).unref();
  });
  if (answer === 'ECONNREFUSED') fs.rmSync(path, { force: true });
  else if (answer !== 'ENOENT') throw new BindError(`cannot bind ${path}: another process listens on it`);
}
