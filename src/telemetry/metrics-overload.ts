import type { OverloadTotals } from '../proxy/serving-contract.ts';
import { type Family, gauge } from './exposition.ts';

/** What a worker that is late does: it refuses new requests, as memory's second step does. */
const LATE_STEP = 2;

export function overloadFamilies({ memory, step, lateWorkers }: OverloadTotals): Family[] {
  return [
    gauge('tcpvs_overload_step', 'What is done about a resource that runs short: 0 nothing … 3 (docs/resilience.md).', [
      { labels: { resource: 'memory' }, value: step },
      { labels: { resource: 'event_loop' }, value: lateWorkers > 0 ? LATE_STEP : 0 },
    ]),
    ...(memory === null
      ? []
      : [
          gauge('tcpvs_memory_used_bytes', 'Memory in use, of what the limit is for.', memory.used),
          gauge('tcpvs_memory_limit_bytes', 'Memory that there is for it.', memory.limit),
        ]),
  ];
}
