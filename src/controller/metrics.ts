/** What a controller's `/metrics` shows. */
import type { RestartReason } from '../kube/resource-watch.ts';
import type { MatrixPlacement } from '../model/placements.ts';
import type { ProfilesDocument } from '../model/profiles.ts';
import { configHash } from '../telemetry/config-hash.ts';
import { counter, type Family, gauge } from '../telemetry/exposition.ts';
import type { Histogram } from '../telemetry/histogram.ts';
import { placementFamilies } from '../telemetry/metrics-placement.ts';
import { profileFamilies, profilesByKey } from '../telemetry/metrics-profiles.ts';
import { processFamilies } from '../telemetry/process.ts';
import { queueFamilies, type QueueMetrics } from './queue-metrics.ts';
import type { StatusKeeperStats } from './status/status-keeper.ts';

export interface ControllerMetrics {
  readonly version: string;
  readonly ready: boolean;
  readonly generation: number;
  /** Id of the snapshot that is served; null: there is none yet. */
  readonly snapshot: string | null;
  readonly leading: boolean;
  /** As the API has them. */
  readonly objects: readonly ObjectCount[];
  readonly keeper: StatusKeeperStats;
  readonly queues: readonly QueueMetrics[];
  readonly restarts: readonly { readonly type: string; readonly reason: RestartReason; readonly count: number }[];
  readonly propagation: Histogram;
  readonly readyProxies: number;
  readonly eventsDropped: number;
  /** Of matrices whose weights are computed; those of the replica that leads. */
  readonly placements: readonly MatrixPlacement[];
  /** Of the snapshot server. */
  readonly delivery: readonly Family[];
  readonly profiles: ProfilesDocument;
}

/** Series grow with objects: so many apps are shown, in the order of the objects. */
const MOST_APPS = 200;

export interface ObjectCount {
  readonly kind: string;
  /** By the condition Ready. */
  readonly status: 'ready' | 'not_ready' | 'unknown';
  readonly count: number;
}

export function controllerMetrics(input: ControllerMetrics): Family[] {
  const { keeper, restarts, version } = input;
  return [
    gauge('tcpvs_build_info', 'Version of this program; always 1.', [
      { labels: { version, node: process.version }, value: 1 },
    ]),
    gauge('tcpvs_ready', '1 while /readyz says so.', input.ready ? 1 : 0),
    gauge('tcpvs_config_generation', 'Snapshots that were published since start.', input.generation),
    configHash(input.snapshot),
    input.propagation.family(
      'tcpvs_config_propagation_seconds',
      'From the receipt of a change to the acknowledgement of the last ready proxy.',
    ),
    gauge(
      'tcpvs_objects',
      'Objects by kind and by their condition Ready.',
      input.objects.map(({ kind, status, count }) => ({ labels: { kind, status }, value: count })),
    ),
    gauge('tcpvs_proxies_ready', 'Ready pods of the proxies’ Service.', input.readyProxies),
    gauge('tcpvs_leader_election_status', '1 while this replica leads.', input.leading ? 1 : 0),
    counter('tcpvs_status_update_total', 'Writes of statuses.', [
      { labels: { outcome: 'written' }, value: keeper.written },
      { labels: { outcome: 'conflict' }, value: keeper.conflicts },
      { labels: { outcome: 'failed' }, value: keeper.failed },
    ]),
    ...queueFamilies(input.queues),
    counter(
      'tcpvs_watch_restarts_total',
      'Watches that began anew other than by their time being over.',
      restarts.map(({ type, reason, count }) => ({ labels: { resource: type, reason }, value: count })),
    ),
    counter('tcpvs_events_dropped_total', 'Events that the API did not take.', input.eventsDropped),
    ...placementFamilies(input.placements),
    ...input.delivery,
    ...profileFamilies([...profilesByKey(input.profiles).values()].slice(0, MOST_APPS)),
    ...processFamilies(),
  ];
}
