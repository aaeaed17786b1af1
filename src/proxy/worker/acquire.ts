/** Where an exchange, or a tunnel, has its connection to a server from. */
import { countLimit, type WorkerState } from './state.ts';
import { type Endpoint, Upstream, type UpstreamUser } from './upstream.ts';

/** So many wait already that nobody else may (as exact as workers can be that look at the same time). */
export function tooManyWait(state: WorkerState, { slot, plan }: Endpoint): boolean {
  if (plan.maxPending === 0 || Atomics.load(state.shared.pending, slot) < plan.maxPending) return false;
  countLimit(state, 'pending_per_server');
  return true;
}

/** Below the limit that was measured, and not too many wait for its connections. */
export function hasRoom(state: WorkerState, { adaptive, plan, slot, idle }: Endpoint): boolean {
  if (adaptive !== null && !adaptive.hasRoom()) return false;
  return plan.maxPending === 0 || idle.length > 0 || state.shared.pending[slot]! < plan.maxPending;
}

/**
 * For one exchange: an idle connection of the endpoint, else a new one (its `connected` comes later); null where too many wait for one
 * already.
 */
export function acquire(
  state: WorkerState,
  endpoint: Endpoint,
  user: UpstreamUser,
  timeout: number,
  fresh: boolean,
): Upstream | null {
  if (endpoint.streams !== null) return endpoint.streams.lend(state, user, timeout, fresh);
  if (endpoint.plan.proxyProtocol !== null) {
    const own = fresh
      ? undefined
      : user.own?.findLast((each) => each.endpoint === endpoint && each.deadline > state.now);
    if (own === undefined) return connect(state, endpoint, user, timeout, false);
    own.lendOwn();
    return own;
  }
  const idle = fresh ? NONE : endpoint.idle;
  while (idle.length > 0) {
    const upstream = idle.pop()!;
    if (upstream.deadline <= state.now) {
      upstream.destroy();
      continue;
    }
    upstream.lend(user);
    return upstream;
  }
  return connect(state, endpoint, user, timeout, false);
}

/** A new connection, that nothing but this user will have had; null as above. */
export function connect(
  state: WorkerState,
  endpoint: Endpoint,
  user: UpstreamUser,
  timeout: number,
  plain: boolean,
): Upstream | null {
  return tooManyWait(state, endpoint) ? null : new Upstream(state, endpoint, user, timeout, plain);
}

const NONE: Upstream[] = [];
