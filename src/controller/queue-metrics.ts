import type { WorkQueueMeasures } from '../kube/work-queue.ts';
import { counter, type Family, gauge } from '../telemetry/exposition.ts';

export interface QueueMetrics extends WorkQueueMeasures {
  readonly name: string;
}

/** The usual figures of work queues, as controllers of Kubernetes show them. */
export function queueFamilies(queues: readonly QueueMetrics[]): Family[] {
  const of = (value: (queue: QueueMetrics) => number) =>
    queues.map((queue) => ({ labels: { queue: queue.name }, value: value(queue) }));
  const histogram = (name: string, help: string, which: 'waited' | 'worked'): Family => ({
    name,
    help,
    type: 'histogram',
    samples: queues.flatMap((queue) => queue.times[which].samples({ queue: queue.name })),
  });
  return [
    gauge(
      'tcpvs_workqueue_depth',
      'Keys that wait.',
      of(({ stats }) => stats.depth),
    ),
    counter(
      'tcpvs_workqueue_adds_total',
      'Keys that were added, also those that waited already.',
      of(({ stats }) => stats.added),
    ),
    counter(
      'tcpvs_workqueue_retries_total',
      'Keys that failed, and are tried again.',
      of(({ stats }) => stats.retried),
    ),
    histogram('tcpvs_workqueue_queue_duration_seconds', 'From when a key was added to when it was taken up.', 'waited'),
    histogram('tcpvs_workqueue_work_duration_seconds', 'What it took to do what a key asks for.', 'worked'),
    gauge(
      'tcpvs_workqueue_unfinished_work_seconds',
      'What keys have taken that are not done yet, together.',
      of(({ times }) => times.unfinished.reduce((sum, seconds) => sum + seconds, 0)),
    ),
    gauge(
      'tcpvs_workqueue_longest_running_processor_seconds',
      'What the one of them has taken that was taken up first.',
      of(({ times }) => Math.max(0, ...times.unfinished)),
    ),
  ];
}
