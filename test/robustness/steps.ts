/** A script for one end of a connection: bytes, each in a segment of its own, and what to wait for between them. */
import type { Socket } from 'node:net';

/** Half-close; then nothing more can be sent. */
export const FIN: unique symbol = Symbol('FIN');
export const RST: unique symbol = Symbol('RST');

export type Step =
  /** Bytes; a string is latin1. */
  | string
  | Uint8Array
  | typeof FIN
  | typeof RST
  /** Go on when it resolves. */
  | (() => Promise<unknown> | undefined);

/** Plays the steps; ends early, without error, when the connection is gone. `raw`: below TLS, where there is some. */
export async function play(socket: Socket, raw: Socket, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    if (socket.destroyed) return;
    if (step === FIN) {
      socket.end();
      return;
    }
    if (step === RST) {
      raw.resetAndDestroy();
      return;
    }
    if (typeof step === 'function') await step();
    else if (step.length > 0) await write(socket, typeof step === 'string' ? Buffer.from(step, 'latin1') : step);
  }
}

function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('close', done);
      // One turn of the loop, so that the other side's read sees this segment alone where the kernel allows it.
      setImmediate(resolve);
    };
    socket.once('close', done);
    if (socket.writable) socket.write(bytes, done);
    else done();
  });
}
