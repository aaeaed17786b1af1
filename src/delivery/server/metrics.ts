import { counter, type Family, gauge } from '../../telemetry/exposition.ts';
import type { RefusalReason } from './requests.ts';

export interface ServerCounts {
  readonly proxies: number;
  readonly held: number;
  readonly manifests: Readonly<Record<'full' | 'delta', number>>;
  readonly sent: number;
  readonly reviews: Readonly<Record<'accepted' | 'refused' | 'failed', number>>;
  readonly refused: ReadonlyMap<RefusalReason, number>;
}

/** What a controller's `/metrics` shows of its proxies. */
export const serverFamilies = ({ proxies, held, manifests, sent, reviews, refused }: ServerCounts): Family[] => [
  gauge('tcpvs_delivery_proxies', 'Proxies that were heard of within two minutes.', proxies),
  gauge('tcpvs_delivery_syncs_held', 'Requests that wait for something newer.', held),
  counter(
    'tcpvs_delivery_manifests_total',
    'Manifests that were sent: whole, or the difference to what the proxy had.',
    by('kind', Object.entries(manifests)),
  ),
  counter('tcpvs_delivery_sent_bytes_total', 'Bytes of manifests and pieces that were sent.', sent),
  counter(
    'tcpvs_delivery_token_reviews_total',
    'Tokens that the API server was asked about.',
    by('result', Object.entries(reviews)),
  ),
  counter('tcpvs_delivery_refusals_total', 'Requests that were refused.', by('reason', refused)),
];

const by = (label: string, values: Iterable<readonly [string, number]>) =>
  [...values].map(([value, number]) => ({ labels: { [label]: value }, value: number }));
