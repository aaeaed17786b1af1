import { counter, type Family } from '../telemetry/exposition.ts';
import type { SpanExporter } from './exporter.ts';

/** What `/metrics` shows of spans; only where they are sent at all. */
export const spanFamilies = ({ sent, lost }: Pick<SpanExporter, 'sent' | 'lost'>): Family[] => [
  counter('tcpvs_trace_spans_sent_total', 'Spans that the collector has taken.', sent),
  counter(
    'tcpvs_trace_spans_lost_total',
    'Spans that did not arrive at the collector, by why.',
    [...lost].map(([reason, value]) => ({ labels: { reason }, value })),
  ),
];
