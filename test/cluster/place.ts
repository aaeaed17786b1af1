import { Agent, type AgentOptions, type ClientRequestArgs } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { type CommandResult, run, type RunOptions } from './run.ts';

/** A network namespace to do things in. */
export interface Place {
  /** The same command, run there. */
  command(words: readonly string[]): string[];
  /** Runs it there to its end. Never rejects. */
  run(words: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** A connection from there, for this process. Rejects as net.connect would. */
  readonly connect: (host: string, port: number) => Promise<Socket>;
}

/** `enter`: what, before a command, runs it there. */
export function placeIn(enter: readonly string[], connect: Place['connect']): Place {
  const command = (words: readonly string[]) => [...enter, ...words];
  return { command, run: (words, options) => run(command(words), options), connect };
}

/** For node:http in this process: its connections begin there. */
export class PlaceAgent extends Agent {
  readonly #place: Place;

  constructor(place: Place, options: AgentOptions = {}) {
    super(options);
    this.#place = place;
  }

  override createConnection(
    { host, port }: ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    void this.#hand(host ?? '', Number(port), callback);
    return undefined;
  }

  async #hand(host: string, port: number, callback?: (error: Error | null, stream: Duplex) => void): Promise<void> {
    try {
      callback?.(null, await this.#place.connect(host, port));
    } catch (error) {
      callback?.(error as Error, undefined as never);
    }
  }
}
