/** Where the proxies of these tests listen. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/**
 * An address of this process' own: all of 127/8 is local on Linux, so that fixed ports below the ephemeral range cannot
 * collide with other test files or with the local ports of connections. Elsewhere only 127.0.0.1 is there.
 */
export const ADDRESS =
  process.platform === 'linux' ? `127.${100 + ((process.pid >> 8) % 100)}.${process.pid & 255}.1` : '127.0.0.1';

let next = 10_000;

/** Ports on ADDRESS that nobody uses. */
export async function newPorts(count: number): Promise<number[]> {
  if (ADDRESS !== '127.0.0.1') return Array.from({ length: count }, () => next++);
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      server.listen(0, ADDRESS);
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(
    servers.map((server) => {
      server.close();
      return once(server, 'close');
    }),
  );
  return ports;
}
