/** The record of who leads: a Lease of coordination.k8s.io. Pure. */
import type { KubeObject, Resource } from './resource.ts';

export const LEASES: Resource = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease' };

export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/** The API takes microseconds, six digits, and nothing else; a Date has three. */
export const microTime = (time: Date): string => time.toISOString().replace('Z', '000Z');

export const specOf = (lease: KubeObject | null): LeaseSpec => (lease?.['spec'] as LeaseSpec | undefined) ?? {};

/** '' where nobody holds it. */
export const holderOf = (lease: KubeObject | null): string => specOf(lease).holderIdentity ?? '';

/** The record by which somebody takes the lease, or goes on holding it. */
export const held = (before: LeaseSpec, identity: string, seconds: number, now: Date): LeaseSpec => {
  const goesOn = before.holderIdentity === identity;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: seconds,
    acquireTime: goesOn ? (before.acquireTime ?? microTime(now)) : microTime(now),
    renewTime: microTime(now),
    leaseTransitions: (before.leaseTransitions ?? 0) + (goesOn || before.renewTime === undefined ? 0 : 1),
  };
};

/** The record by which its holder gives it up: whoever waits need not wait for its time to be over. */
export const released = (before: LeaseSpec, now: Date): LeaseSpec => ({
  ...before,
  holderIdentity: '',
  leaseDurationSeconds: 1,
  renewTime: microTime(now),
});
