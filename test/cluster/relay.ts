import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface Relay {
  readonly port: number;
  close(): Promise<void>;
}

/** A port on 127.0.0.1 whose connections go where `connect` leads. */
export async function startRelay(connect: () => Promise<Socket>, port = 0): Promise<Relay> {
  const open = new Set<Socket>();
  const keep = (socket: Socket) => {
    open.add(socket.on('close', () => open.delete(socket)));
    return socket;
  };
  const join = async (near: Socket) => {
    try {
      const far = keep(await connect());
      far.on('error', () => near.destroy());
      near.on('close', () => far.destroy());
      far.on('close', () => near.destroy());
      near.pipe(far).pipe(near);
    } catch {
      near.destroy();
    }
  };
  const server = createServer((near) => {
    keep(near).on('error', () => near.destroy());
    void join(near);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
