/**
 * What the product would have learned of a scenario, here taken from the truth: how many requests a host should have at once,
 * and how long a request takes there. (What learning loses is measured where it is learned.)
 */
import type { Document } from '../instances.ts';

/** Utilisation at which response times are measured; nearer to 1 they say only how long it has been so. */
const MEASURED = 0.8;
const MOST = 256;
const NEARLY = 0.95;

/** The reference with, per host, the number in flight that keeps it busy with the mixture of all demand. */
export function withProfile(reference: Document): Document {
  const work = demandOf(reference.columns.map(({ rate, cost }) => ({ rate, cost })));
  return {
    ...reference,
    hosts: reference.hosts.map((host) => ({
      ...host,
      concurrency: bestConcurrency(host.capacity, work, kappaOf(reference)),
    })),
  };
}

export const kappaOf = ({ kappa }: Document): number => kappa?.['default'] ?? 0;

export interface Work {
  readonly cpu: number;
  readonly io: number;
}

/** Mean work per request of a mixture. */
export function demandOf(of: readonly { readonly rate: number; readonly cost: Record<string, number> }[]): Work {
  const total = of.reduce((sum, { rate }) => sum + rate, 0);
  const mean = (resource: string): number =>
    total > 0 ? of.reduce((sum, { rate, cost }) => sum + rate * (cost[resource] ?? 0), 0) / total : 0;
  return { cpu: mean('cpu'), io: mean('io') };
}

/**
 * N_h: the least N at which throughput is within 5 % of its greatest; beyond, requests only wait for each other. X(N) is that of a
 * closed network of the two stations (by its product form, Buzen's convolution), slower by 1 + kappa (N - 1).
 */
export function bestConcurrency(capacity: Record<string, number>, work: Work, kappa: number): number {
  const throughput = throughputs(capacity, work, kappa);
  const most = Math.max(...throughput);
  return throughput.findIndex((each) => each >= NEARLY * most);
}

/** Seconds that a mean request of the mixture takes on a host that always has n. */
export function secondsAt(capacity: Record<string, number>, work: Work, kappa: number, n: number): number {
  return n / throughputs(capacity, work, kappa)[Math.min(n, MOST)]!;
}

/** X(N) for N up to MOST. */
function throughputs(capacity: Record<string, number>, { cpu, io }: Work, kappa: number): Float64Array {
  const cores = capacity['cpu']!;
  const fast = io / capacity['io']!;
  // Scaled so that the convolution neither overflows nor vanishes: throughput scales with it.
  const unit = Math.max(cpu / cores, fast);
  const processor = new Float64Array(MOST + 1).fill(1);
  for (let n = 1; n <= MOST; n++) processor[n] = (processor[n - 1]! * (cpu / Math.min(n, cores))) / unit;
  const normal = new Float64Array(MOST + 1);
  for (let n = 0; n <= MOST; n++) normal[n] = processor[n]! + (n === 0 ? 0 : (normal[n - 1]! * fast) / unit);
  return Float64Array.from(normal, (_, n) =>
    n === 0 ? 0 : normal[n - 1]! / normal[n]! / unit / (1 + kappa * (n - 1)),
  );
}

/** Response time of a request on a host of this utilisation, as processor sharing has it: 1 / (1 - rho) of its work. */
export function responseSeconds(cost: Record<string, number>, capacity: Record<string, number>, used: Work): number {
  const part = (resource: 'cpu' | 'io', speed: number): number =>
    ((cost[resource] ?? 0) * speed) / (1 - Math.min(MEASURED, used[resource]));
  return part('cpu', 1 / Math.min(1, capacity['cpu']!)) + part('io', 1 / capacity['io']!);
}
