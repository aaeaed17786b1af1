/**
 * The connections that carry an endpoint's streams, in this worker: one, and more of them where that is full. Tunnels have
 * their own: they stay for hours, and what a server does not take of one counts against what it takes of the connection.
 */
import { tooManyWait } from './acquire.ts';
import type { WorkerState } from './state.ts';
import { StreamConnection } from './stream-connection.ts';
import { FIRST_STREAMS } from './stream-frames.ts';
import type { Endpoint, StreamSource, Upstream, UpstreamUser } from './upstream.ts';

/** Beyond so many, requests wait for one another. */
const MOST_CONNECTIONS = 16;

export class StreamPool implements StreamSource {
  /** Streams at once that the server took on the connection that it said so of last. */
  capacity = FIRST_STREAMS;
  private readonly endpoint: () => Endpoint;
  private readonly connections: StreamConnection[] = [];
  private readonly tunnels: StreamConnection[] = [];

  constructor(endpoint: () => Endpoint) {
    this.endpoint = endpoint;
  }

  lend(state: WorkerState, user: UpstreamUser, timeout: number, fresh: boolean): Upstream | null {
    const endpoint = this.endpoint();
    const connections = user.upgrade ? this.tunnels : this.connections;
    const present = choose(connections, fresh, user.upgrade);
    if ((present === null || present.mustWait) && tooManyWait(state, endpoint)) return null;
    if (present !== null) return present.lend(user, timeout);
    const connection = new StreamConnection(state, endpoint, this, timeout, user.upgrade);
    connections.push(connection);
    return connection.lend(user, timeout);
  }

  gone(connection: StreamConnection): void {
    const connections = connection.isForTunnels ? this.tunnels : this.connections;
    const index = connections.indexOf(connection);
    if (index >= 0) connections.splice(index, 1);
  }

  retire(): void {
    for (const connection of [...this.connections, ...this.tunnels]) connection.retire();
  }
}

/** Null: there has to be another one. */
function choose(
  connections: readonly StreamConnection[],
  fresh: boolean,
  forTunnels: boolean,
): StreamConnection | null {
  for (const connection of connections) if (connection.room > 0 && (!fresh || connection.isFresh)) return connection;
  const inUse = connections.filter(({ retired }) => !retired);
  if (inUse.length === 0 || (!forTunnels && inUse.length < MOST_CONNECTIONS)) return null;
  const least = inUse.reduce((a, b) => (b.load < a.load ? b : a));
  // a server that takes but few at once: requests wait for one another, but no tunnel waits for another's end
  return forTunnels && least.load > 0 ? null : least;
}
