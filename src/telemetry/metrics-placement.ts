/** The placement manager's findings as metrics: a few series per matrix whose weights are computed. */
import type { MatrixPlacement, Outlook } from '../model/placements.ts';
import { counter, type Family, gauge } from './exposition.ts';

export function placementFamilies(placements: readonly MatrixPlacement[]): Family[] {
  const outlooks = placements.flatMap(({ matrix, recommended }) =>
    recommended === null
      ? []
      : [
          { labels: { matrix, weights: 'in_force' }, outlook: recommended.present },
          { labels: { matrix, weights: 'recommended' }, outlook: recommended.expected },
        ],
  );
  const each = (of: (outlook: Outlook) => number) =>
    outlooks.map(({ labels, outlook }) => ({ labels, value: of(outlook) }));
  return [
    gauge(
      'tcpvs_placement_utilization',
      'Utilization of the fullest host with the weights, by what is known of demand and costs; above 1: it is asked for more than it has.',
      each(({ utilization }) => utilization),
    ),
    gauge(
      'tcpvs_placement_satisfied',
      'Part of the demand that is served with the weights, by worth.',
      each(({ satisfied }) => satisfied),
    ),
    gauge(
      'tcpvs_placement_proven_cycles',
      'Cycles in a row that came as predicted, up to the ten that mode Auto needs before it acts.',
      placements.map(({ matrix, proven }) => ({ labels: { matrix }, value: proven })),
    ),
    gauge(
      'tcpvs_placement_last_cycle_timestamp_seconds',
      'When weights were last computed, or it was found that they cannot be.',
      placements.flatMap(({ matrix, at }) => (at === null ? [] : [{ labels: { matrix }, value: at }])),
    ),
    counter(
      'tcpvs_placement_changes_total',
      'Changes of weights that were made: forward, and back because clients were worse off.',
      placements.flatMap(({ matrix, moves, returns }) => [
        { labels: { matrix, direction: 'forward' }, value: moves },
        { labels: { matrix, direction: 'back' }, value: returns },
      ]),
    ),
    counter(
      'tcpvs_placement_instances_total',
      'Instances that were started and stopped.',
      placements.flatMap(({ matrix, instances }) =>
        instances === null
          ? []
          : [
              { labels: { matrix, change: 'start' }, value: instances.starts },
              { labels: { matrix, change: 'stop' }, value: instances.stops },
            ],
      ),
    ),
    counter(
      'tcpvs_placement_plans_dropped_total',
      'Plans of starts and stops that were given up on the way; the Events of the matrix say why.',
      placements.flatMap(({ matrix, instances }) =>
        instances === null ? [] : [{ labels: { matrix }, value: instances.dropped }],
      ),
    ),
  ];
}
