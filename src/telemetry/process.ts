import { readdirSync, readFileSync } from 'node:fs';

import { counter, type Family, gauge } from './exposition.ts';

let before = performance.eventLoopUtilization();

/** The process as every Prometheus client shows it, under the usual names, so that usual dashboards work. */
export function processFamilies(): Family[] {
  const usage = process.resourceUsage();
  const memory = process.memoryUsage();
  const families = [
    counter(
      'process_cpu_seconds_total',
      'User and system time of the process.',
      (usage.userCPUTime + usage.systemCPUTime) / 1e6,
    ),
    gauge(
      'process_start_time_seconds',
      'When the process started, in seconds since 1970.',
      performance.timeOrigin / 1000,
    ),
    gauge('process_resident_memory_bytes', 'Resident memory.', memory.rss),
    gauge('nodejs_heap_size_used_bytes', 'Heap in use by the main thread.', memory.heapUsed),
    gauge('nodejs_external_memory_bytes', 'Memory outside the heap that belongs to it.', memory.external),
  ];
  // not the delay of events: measuring that needs a timer, which would wake an idle process fifty times a second
  const now = performance.eventLoopUtilization();
  const { utilization } = performance.eventLoopUtilization(now, before);
  before = now;
  families.push(
    gauge(
      'nodejs_eventloop_utilization_ratio',
      'Share of the time since the last scrape in which the main thread was busy.',
      utilization,
    ),
  );
  const open = descriptors();
  if (open !== null) families.push(gauge('process_open_fds', 'Open file descriptors.', open));
  const limit = descriptorLimit();
  if (limit !== null) families.push(gauge('process_max_fds', 'Limit of open file descriptors.', limit));
  return families;
}

/** Only Linux tells cheaply; elsewhere the two figures are left out. */
function descriptors(): number | null {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}

function descriptorLimit(): number | null {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return soft === null ? null : Number(soft[1]);
  } catch {
    return null;
  }
}
