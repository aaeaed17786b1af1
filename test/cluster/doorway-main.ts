/** The side of a doorway that is in the namespace: connects, and hands the connection over. */
import { connect } from 'node:net';

export interface DoorwayRequest {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

/** With the socket, or with why there is none. The first one, `id` 0, says that it is there. */
export interface DoorwayAnswer {
  readonly id: number;
  readonly error?: string;
  readonly code?: string;
}

const say = (answer: DoorwayAnswer) => void process.send?.(answer);

process.once('disconnect', () => process.exit());
process.on('message', ({ id, host, port }: DoorwayRequest) => {
  const socket = connect({ host, port, noDelay: true });
  // What arrives early is for who gets the socket.
  socket.pause();
  socket.once('error', (error: NodeJS.ErrnoException) => {
    say({ id, error: error.message, ...(error.code === undefined ? {} : { code: error.code }) });
  });
  socket.once('connect', () => process.send?.({ id } satisfies DoorwayAnswer, socket, {}, () => {}));
});
say({ id: 0 });
