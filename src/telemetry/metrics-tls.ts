import type { TlsTotals } from '../proxy/serving-contract.ts';
import { byKey, counter, type Family, gauge } from './exposition.ts';

/** `isShown`: the certificate is among those that the budget of series has room for. */
export function tlsFamilies(totals: TlsTotals, isShown: (certificate: string) => boolean): Family[] {
  return [
    counter('tcpvs_tls_handshakes_total', 'TLS handshakes with clients that came about.', [
      { labels: { session: 'new' }, value: totals.handshakes },
      { labels: { session: 'resumed' }, value: totals.resumptions },
    ]),
    counter(
      'tcpvs_tls_handshake_failures_total',
      'TLS handshakes with clients that came to nothing, by reason.',
      byKey('reason', totals.failures),
    ),
    counter(
      'tcpvs_tls_unframed_answers_total',
      'Answers of TLS servers whose end only the end of the connection told: one that was cut off looks the same.',
      totals.unframedAnswers,
    ),
    gauge(
      'tcpvs_tls_certificate_not_after_timestamp_seconds',
      'Until when a certificate is valid.',
      totals.certificates
        .filter(({ key }) => isShown(key))
        .map(({ key, notAfter }) => ({ labels: { certificate: key }, value: notAfter })),
    ),
  ];
}
