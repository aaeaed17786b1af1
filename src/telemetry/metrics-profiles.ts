/** Profiles of apps as metrics. What is not known has no series. */
import type { AppProfile, Figure, ProfilesDocument } from '../model/profiles.ts';
import { type Family, gauge } from './exposition.ts';

interface App {
  readonly labels: { readonly matrix: string; readonly app: string };
  readonly profile: AppProfile;
}

/** Demand and its upper bound, response time, limit, and a cost for each of up to three resources. */
export const SERIES_PER_PROFILE = 7;

export function profilesByKey(profiles: ProfilesDocument | null): Map<string, App> {
  const all = (profiles?.matrices ?? []).flatMap(({ matrix, apps }) =>
    apps.map((profile): [string, App] => [
      `${matrix}\n${profile.app}`,
      { labels: { matrix, app: profile.app }, profile },
    ]),
  );
  return new Map(all);
}

export function profileFamilies(apps: readonly App[]): Family[] {
  const family = (name: string, help: string, of: (profile: AppProfile) => number | undefined) =>
    gauge(
      name,
      help,
      apps.flatMap(({ labels, profile }) => {
        const value = of(profile);
        return value === undefined ? [] : [{ labels, value }];
      }),
    );
  return [
    family(
      'tcpvs_app_demand_requests_per_second',
      'Requests per second that are asked of an app, shed and failed ones among them: given, or learned over a minute.',
      ({ demand }) => known(demand)?.value,
    ),
    family(
      'tcpvs_app_demand_upper_requests_per_second',
      'What that demand exceeds, over a decision interval, with a probability of a fifth.',
      ({ demand }) => known(demand)?.upper,
    ),
    family(
      'tcpvs_app_response_seconds',
      'Mean time from the head of a request to the end of its answer, over about the last ten thousand.',
      ({ seconds }) => seconds?.value,
    ),
    family(
      'tcpvs_app_concurrency_limit',
      'Requests in flight at an endpoint of an app that are planned with: where its throughput peaks, or as far as it is known.',
      ({ concurrency }) => concurrency?.limit.value,
    ),
    gauge(
      'tcpvs_app_cost',
      'What a request takes of a resource: core-seconds of cpu, bytes of io and net.',
      apps.flatMap(({ labels, profile }) =>
        Object.entries(profile.cost).map(([resource, { value }]) => ({ labels: { ...labels, resource }, value })),
      ),
    ),
  ];
}

function known(figure: Figure): Figure | null {
  return figure.source === 'default' ? null : figure;
}
