/**
 * A fault proxy in front of the API server, as a process of its own, so that it can stand in a namespace that pods reach.
 * Its argument is a FaultSettings as JSON; it says where it is, and does what it is told over IPC.
 */
import { type Asked, type Fault, startFaultProxy } from '../cluster/fault-proxy.ts';

export interface FaultSettings {
  /** As the namespace sees the API server. */
  readonly url: string;
  readonly ca: string;
  /** Of the API: its certificates are there. */
  readonly directory: string;
  /** Where it listens. */
  readonly address: string;
}

export type ToFaults =
  /** Breaks all connections. */
  | { readonly kind: 'Reset' }
  /** The next requests of a sort meet a fault, so many of them. */
  | { readonly kind: 'Meet'; readonly on: 'List' | 'Watch'; readonly fault: Fault; readonly times: number };

export type FromFaults =
  /** First. */
  | { readonly port: number }
  /** After every fault that somebody has met: how many that were so far. */
  | { readonly met: number };

const { url, ca, directory, address } = JSON.parse(process.argv[2] ?? '{}') as FaultSettings;
const proxy = await startFaultProxy({ url, ca, directory }, address);
let met = 0;
const waiting: { on: 'List' | 'Watch'; fault: Fault; times: number }[] = [];

proxy.decide = ({ method, path, watch }: Asked) => {
  const sort = watch ? 'Watch' : 'List';
  // The kinds that are watched; the Lease and writes go through.
  if (method !== 'GET' || path.includes('/leases/')) return null;
  const next = waiting.find(({ on, times }) => on === sort && times > 0);
  if (next === undefined) return null;
  next.times--;
  process.send?.({ met: ++met } satisfies FromFaults);
  return next.fault;
};
process.on('message', (message: ToFaults) => {
  if (message.kind === 'Reset') proxy.reset();
  else waiting.push({ on: message.on, fault: message.fault, times: message.times });
});
process.once('disconnect', () => void proxy.stop().then(() => process.exit()));
process.send?.({ port: Number(new URL(proxy.url).port) } satisfies FromFaults);
