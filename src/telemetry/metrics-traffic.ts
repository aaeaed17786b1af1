import type { CountsDocument } from '../model/counts.ts';
import type { ProfilesDocument } from '../model/profiles.ts';
import type { Totals } from '../proxy/serving-contract.ts';
import { byKey, counter, type Family, gauge, histogramSamples, type Sample } from './exposition.ts';
import { overloadFamilies } from './metrics-overload.ts';
import { profileFamilies, profilesByKey, SERIES_PER_PROFILE } from './metrics-profiles.ts';
import { tlsFamilies } from './metrics-tls.ts';
import type { SeriesBudget } from './series.ts';

const CLASSES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'];
/** Every second of the shared memory's powers of two: 256 µs, 1 ms, 4 ms … 17 s. */
const DURATION_STEPS = [8, 10, 12, 14, 16, 18, 20, 22, 24];
const DURATION_BOUNDS = DURATION_STEPS.map((step) => 2 ** step / 1e6);
/** Where the counts of series beyond the budget are added up. */
export const OTHER = '(other)';

export interface Traffic {
  readonly totals: Totals;
  readonly counts: CountsDocument;
  /** Null: nobody learns here, as at a cluster's proxy. */
  readonly profiles: ProfilesDocument | null;
}

export function trafficFamilies({ totals, counts, profiles }: Traffic, budget: SeriesBudget): Family[] {
  const requests = requestsByApp(totals);
  const durations = durationsByServer(totals);
  const cells = cellsByKey(counts);
  const endpoints = new Map(counts.endpoints.map((e) => [`${e.server}\n${e.address}\n${e.port}`, e]));
  const apps = profilesByKey(profiles);
  const isCapped = [...cells.values()].some(({ cap }) => cap !== undefined);
  const shown = budget.admit(
    new Map([
      ['requests', { keys: [...requests.keys()], cost: 1 }],
      ['durations', { keys: [...durations.keys()], cost: DURATION_STEPS.length + 3 }],
      ['cells', { keys: [...cells.keys()], cost: isCapped ? 6 : 4 }],
      ['endpoints', { keys: [...endpoints.keys()], cost: 3 }],
      ['profiles', { keys: [...apps.keys()], cost: SERIES_PER_PROFILE }],
      ['certificates', { keys: totals.tls.certificates.map(({ key }) => key), cost: 1 }],
    ]),
  );
  const isShown = (family: string, key: string) => shown.get(family)?.has(key) === true;
  const shownCells = [...cells].filter(([key]) => isShown('cells', key)).map(([, cell]) => cell);
  const otherCells = [...cells].filter(([key]) => !isShown('cells', key)).map(([, cell]) => cell);
  const shownEndpoints = [...endpoints].filter(([key]) => isShown('endpoints', key)).map(([, e]) => e);
  const cellCounter = (name: string, help: string, of: (cell: Cell) => number) =>
    counter(name, help, [
      ...shownCells.map((cell) => ({ labels: cell.labels, value: of(cell) })),
      ...(otherCells.length === 0 ? [] : [{ labels: OTHER_CELL, value: sum(otherCells.map(of)) }]),
    ]);

  return [
    counter(
      'tcpvs_requests_total',
      'Requests by virtual server, app and class of the answer (none: the client was gone).',
      requestSamples(requests, (key) => isShown('requests', key)),
    ),
    {
      name: 'tcpvs_request_duration_seconds',
      help: 'From the first byte of a request to the last byte of its answer.',
      type: 'histogram',
      samples: durationSamples(durations, (key) => isShown('durations', key)),
    },
    cellCounter('tcpvs_cell_requests_total', 'First choices of a cell.', (cell) => cell.requests),
    cellCounter('tcpvs_cell_failures_total', 'Answers of class 5xx, or none, of a cell.', (cell) => cell.failures),
    gauge(
      'tcpvs_cell_share_asked_ratio',
      'Share of its row that the weights ask for a cell, over what is available.',
      shownCells.map((cell) => ({ labels: cell.labels, value: cell.asked })),
    ),
    gauge(
      'tcpvs_cell_share_delivered_ratio',
      'Share of its row that was counted for a cell in the present epoch.',
      shownCells.flatMap((cell) => (cell.delivered === null ? [] : [{ labels: cell.labels, value: cell.delivered }])),
    ),
    gauge(
      'tcpvs_cell_cap',
      'Most requests in flight at a cell, over all proxies.',
      shownCells.flatMap((cell) => (cell.cap === undefined ? [] : [{ labels: cell.labels, value: cell.cap }])),
    ),
    gauge(
      'tcpvs_cell_inflight',
      'Requests in flight at a cell that has a cap.',
      shownCells.flatMap((cell) => (cell.cap === undefined ? [] : [{ labels: cell.labels, value: cell.inFlight }])),
    ),
    gauge(
      'tcpvs_endpoint_healthy',
      '1 while the endpoint takes new work.',
      shownEndpoints.map((e) => ({ labels: endpointLabels(e), value: e.available && e.down.length === 0 ? 1 : 0 })),
    ),
    gauge(
      'tcpvs_endpoint_concurrency_limit',
      'Most requests at once that an endpoint gets, as measured (concurrency: Adaptive).',
      totals.concurrencyLimits.flatMap(({ server, address, port, limit }) => {
        const endpoint = endpoints.get(`${server}\n${address}\n${port}`);
        return endpoint !== undefined && isShown('endpoints', `${server}\n${address}\n${port}`)
          ? [{ labels: endpointLabels(endpoint), value: limit }]
          : [];
      }),
    ),
    gauge(
      'tcpvs_endpoint_inflight',
      'Requests, or connections of TCP, that the endpoint works on.',
      shownEndpoints.map((e) => ({ labels: endpointLabels(e), value: e.active })),
    ),
    ...profileFamilies([...apps].filter(([key]) => isShown('profiles', key)).map(([, app]) => app)),
    ...globalFamilies(totals),
    ...overloadFamilies(totals.overload),
    ...tlsFamilies(totals.tls, (key) => isShown('certificates', key)),
  ];
}

function globalFamilies(totals: Totals): Family[] {
  return [
    counter('tcpvs_connections_accepted_total', 'Connections accepted from clients.', totals.connectionsAccepted),
    gauge('tcpvs_connections_active', 'Connections of clients that are open.', totals.connectionsActive),
    counter('tcpvs_upstream_connections_total', 'Connections opened to real servers.', totals.upstreamConnections),
    gauge('tcpvs_upstream_connections_active', 'Connections to real servers that are open.', totals.upstreamActive),
    counter('tcpvs_upstream_streams_total', 'Requests sent as streams of HTTP/2.', totals.upstreamStreams),
    counter(
      'tcpvs_upstream_protocol_errors_total',
      'Connections ended because a server broke the rules of HTTP/2.',
      totals.upstreamFaults,
    ),
    counter('tcpvs_upstream_retries_total', 'Attempts beyond the first one of a request.', totals.retries),
    gauge('tcpvs_queue_requests', 'Requests that wait for a server to have room.', totals.queue.waiting),
    counter('tcpvs_queued_requests_total', 'Requests that had to wait for that.', totals.queue.waited),
    counter('tcpvs_queue_seconds_total', 'Seconds that they waited, together.', totals.queue.seconds),
    counter('tcpvs_received_bytes_total', 'Bytes received from clients.', totals.bytesReceived),
    counter('tcpvs_sent_bytes_total', 'Bytes sent to clients.', totals.bytesSent),
    counter('tcpvs_limit_hits_total', 'Times that a limit was reached.', byKey('limit', totals.limits)),
    counter(
      'tcpvs_request_failures_total',
      'Requests that got no answer of their real server, by the reason that the answer and the access log name.',
      byKey('reason', totals.reasons),
    ),
    counter(
      'tcpvs_proxy_protocol_failures_total',
      'Connections closed for want of a PROXY protocol header, by reason.',
      byKey('reason', totals.prefaceFailures),
    ),
    counter('tcpvs_http2_connections_total', 'Connections of clients that speak HTTP/2.', totals.http2.connections),
    counter('tcpvs_http2_failures_total', 'Those that ended by an error of HTTP/2.', totals.http2.failures),
    counter('tcpvs_http2_streams_total', 'Streams of clients, each of them one request.', totals.http2.streams),
    gauge(
      'tcpvs_worker_up',
      '1 while the worker runs.',
      totals.workers.map((w) => ({ labels: { worker: String(w.index) }, value: w.alive ? 1 : 0 })),
    ),
    counter(
      'tcpvs_worker_restarts_total',
      'Times that the worker was replaced.',
      totals.workers.map((w) => ({ labels: { worker: String(w.index) }, value: w.restarts })),
    ),
  ];
}

// ---- requests: several rules of a virtual server may lead to the same app

interface Requests {
  readonly virtualserver: string;
  readonly app: string;
  readonly code_class: string;
}

function requestsByApp(totals: Totals): Map<string, { labels: Requests; value: number }> {
  const result = new Map<string, { labels: Requests; value: number }>();
  for (const rule of totals.rules) {
    for (const [i, code_class] of CLASSES.entries()) {
      const value = rule.classes[i] ?? 0;
      // A class that has never been seen has no series: most apps have two of six.
      if (value === 0) continue;
      const labels = { virtualserver: rule.virtualServer, app: rule.app ?? '', code_class };
      const key = `${labels.virtualserver}\n${labels.app}\n${code_class}`;
      result.set(key, { labels, value: value + (result.get(key)?.value ?? 0) });
    }
  }
  return result;
}

function requestSamples(
  requests: ReadonlyMap<string, { labels: Requests; value: number }>,
  isShown: (key: string) => boolean,
): Sample[] {
  const samples: Sample[] = [];
  const other = new Map<string, number>();
  for (const [key, { labels, value }] of requests) {
    if (isShown(key)) samples.push({ labels: { ...labels }, value });
    else other.set(labels.code_class, value + (other.get(labels.code_class) ?? 0));
  }
  for (const [code_class, value] of other) {
    samples.push({ labels: { virtualserver: OTHER, app: OTHER, code_class }, value });
  }
  return samples;
}

// ---- durations

interface Durations {
  readonly cumulative: readonly number[];
  readonly count: number;
  readonly sum: number;
}

function durationsByServer(totals: Totals): Map<string, Durations> {
  const seconds = new Map<string, number>();
  for (const rule of totals.rules) {
    seconds.set(rule.virtualServer, rule.seconds + (seconds.get(rule.virtualServer) ?? 0));
  }
  return new Map(
    totals.durations.map(({ virtualServer, buckets }) => [
      virtualServer,
      {
        cumulative: DURATION_STEPS.map((step) => sum(buckets.slice(0, step + 1))),
        count: sum(buckets),
        sum: seconds.get(virtualServer) ?? 0,
      },
    ]),
  );
}

function durationSamples(durations: ReadonlyMap<string, Durations>, isShown: (key: string) => boolean): Sample[] {
  const shown = [...durations].filter(([key]) => isShown(key));
  const others = [...durations].filter(([key]) => !isShown(key)).map(([, d]) => d);
  if (others.length > 0) {
    shown.push([
      OTHER,
      {
        cumulative: DURATION_STEPS.map((_, i) => sum(others.map((d) => d.cumulative[i] ?? 0))),
        count: sum(others.map((d) => d.count)),
        sum: sum(others.map((d) => d.sum)),
      },
    ]);
  }
  return shown.flatMap(([virtualserver, d]) =>
    histogramSamples({ virtualserver }, DURATION_BOUNDS, d.cumulative, d.count, d.sum),
  );
}

// ---- cells

interface Cell {
  readonly labels: Readonly<Record<string, string>>;
  readonly requests: number;
  readonly failures: number;
  readonly asked: number;
  readonly delivered: number | null;
  readonly cap: number | undefined;
  readonly inFlight: number;
}

const OTHER_CELL = { row: OTHER, app: OTHER, server: OTHER };

/** `row` is `matrix NS/NAME`, `rule NS/NAME RULE` or `servers NS/NAME`: two matrices may name the same app and server. */
function cellsByKey(counts: CountsDocument): Map<string, Cell> {
  const result = new Map<string, Cell>();
  for (const row of counts.rows) {
    for (const cell of row.cells) {
      const name = row.id.startsWith('matrix ') ? row.id.split(' ', 2).join(' ') : row.id;
      result.set(`${row.id}\n${cell.server}`, {
        labels: { row: name, app: cell.app ?? '', server: cell.server },
        requests: cell.requests,
        failures: cell.failures,
        asked: cell.askedAvailable,
        delivered: cell.delivered,
        cap: cell.cap,
        inFlight: cell.inFlight ?? 0,
      });
    }
  }
  return result;
}

function endpointLabels(e: { readonly server: string; readonly address: string; readonly port: number }) {
  const host = e.address.includes(':') ? `[${e.address}]` : e.address;
  return { server: e.server, endpoint: `${host}:${e.port}` };
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
