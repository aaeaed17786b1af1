/**
 * The attackers of row 22, and the server that they ask: a process of its own, so that what keeps it busy (thousands of
 * sockets, long answers) does not keep the probes waiting. Forked; told by its messages what to do.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** First word of this process: the port of its server. */
export interface Ready {
  readonly port: number;
}

export interface Attack {
  readonly address: string;
  readonly port: number;
  readonly clients: number;
  /** What is sent at first, and then every second; a connection that was closed is opened again. */
  readonly first: string;
  readonly later: string;
  readonly reads: boolean;
}

const PIECE = Buffer.alloc(65_536, 'x');
const PIECES = 64;

/** A long answer, no faster than it is taken; a request whose body never ends gets none, or nobody would have to wait. */
function serve(socket: Socket): void {
  let left = 0;
  const more = () => {
    while (left > 0) {
      left--;
      if (!socket.write(PIECE)) return;
    }
  };
  socket.on('error', () => {});
  socket.on('drain', more);
  socket.on('data', (bytes) => {
    if (!String(bytes).startsWith('GET ')) return;
    left = PIECES;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${PIECES * PIECE.length}\r\n\r\n`);
    more();
  });
}

function attack(order: Attack): void {
  const socket = connect({ host: order.address, port: order.port });
  if (order.reads) socket.resume();
  else socket.pause();
  socket.on('error', () => {});
  const timer = setInterval(() => order.later !== '' && socket.writable && socket.write(order.later), 1000);
  socket.on('close', () => {
    clearInterval(timer);
    setTimeout(attack, 250, order);
  });
  socket.on('end', () => socket.destroy());
  socket.write(order.first);
}

const server = createServer(serve).listen(0, '127.0.0.1', 4096);
await once(server, 'listening');
process.on('message', (order: Attack) => {
  // Spread over two seconds: all at once, their ticks would stay one burst a second, as no crowd of attackers is.
  for (let index = 0; index < order.clients; index++) setTimeout(attack, (2000 * index) / order.clients, order);
});
process.on('disconnect', () => process.exit(0));
process.send!({ port: (server.address() as AddressInfo).port } satisfies Ready);
