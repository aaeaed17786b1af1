import { counter, type Family, gauge } from '../../telemetry/exposition.ts';
import type { RefusedWhy } from './peer.ts';

export interface ClientCounts {
  /** Controller replicas that answer now. */
  readonly controllers: number;
  /** Bytes of manifests and pieces. */
  readonly received: number;
  readonly failures: number;
  readonly refused: ReadonlyMap<RefusedWhy, number>;
}

/** What a proxy's `/metrics` shows of its controllers. */
export const clientFamilies = ({ controllers, received, failures, refused }: ClientCounts): Family[] => [
  gauge('tcpvs_delivery_controllers', 'Controller replicas that answer.', controllers),
  counter('tcpvs_delivery_received_bytes_total', 'Bytes of manifests and pieces that were received.', received),
  counter('tcpvs_delivery_failures_total', 'Attempts to reach a controller replica that failed.', failures),
  counter(
    'tcpvs_delivery_refused_snapshots_total',
    'Snapshots that were offered and not taken.',
    [...refused].map(([reason, value]) => ({ labels: { reason }, value })),
  ),
];
