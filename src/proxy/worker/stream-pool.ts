/** The connections that carry an endpoint's streams, in this worker: one, and more of them where that is full. */
import { tooManyWait } from './acquire.ts';
import type { WorkerState } from './state.ts';
import { StreamConnection } from './stream-connection.ts';
import type { Endpoint, StreamSource, Upstream, UpstreamUser } from './upstream.ts';

/** Beyond so many, streams wait for one another. */
const MOST_CONNECTIONS = 16;

export class StreamPool implements StreamSource {
  private readonly endpoint: () => Endpoint;
  private readonly connections: StreamConnection[] = [];

  constructor(endpoint: () => Endpoint) {
    this.endpoint = endpoint;
  }

  lend(state: WorkerState, user: UpstreamUser, timeout: number, fresh: boolean): Upstream | null {
    const endpoint = this.endpoint();
    const present = this.choose(fresh);
    if ((present === null || present.mustWait) && tooManyWait(state, endpoint)) return null;
    return (present ?? this.connect(state, endpoint, timeout)).lend(user, timeout);
  }

  private choose(fresh: boolean): StreamConnection | null {
    const { connections } = this;
    for (const connection of connections) if (connection.room > 0 && (!fresh || connection.isFresh)) return connection;
    const inUse = connections.filter(({ retired }) => !retired);
    if (inUse.length < MOST_CONNECTIONS) return null;
    // a server that takes but few at once
    return inUse.reduce((a, b) => (b.load < a.load ? b : a));
  }

  private connect(state: WorkerState, endpoint: Endpoint, timeout: number): StreamConnection {
    const connection = new StreamConnection(state, endpoint, this, timeout);
    this.connections.push(connection);
    return connection;
  }

  gone(connection: StreamConnection): void {
    const index = this.connections.indexOf(connection);
    if (index >= 0) this.connections.splice(index, 1);
  }

  retire(): void {
    for (const connection of this.connections.slice()) connection.retire();
  }
}
