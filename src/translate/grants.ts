/** References across namespaces: allowed by a ReferenceGrant of the Gateway API in the namespace that is referred to. */
import { GROUP } from '../api/group.ts';
import type { Kind } from '../model/status.ts';
import type { ReferenceGrantFacts } from './cluster-facts.ts';

/** A Secret or Service that an object refers to. Both are of the core group, which the API calls ''. */
export interface Reference {
  readonly from: { readonly kind: Kind; readonly namespace: string };
  readonly to: { readonly kind: 'Secret' | 'Service'; readonly namespace: string; readonly name: string };
}

/** Within one namespace nothing has to be granted. */
export const permits = (grants: readonly ReferenceGrantFacts[], { from, to }: Reference): boolean =>
  from.namespace === to.namespace ||
  grants.some(
    (grant) =>
      grant.namespace === to.namespace &&
      grant.from.some((each) => each.group === GROUP && each.kind === from.kind && each.namespace === from.namespace) &&
      grant.to.some(
        (each) => each.group === '' && each.kind === to.kind && (each.name === null || each.name === to.name),
      ),
  );

/** Why a reference is not followed, and what would make it so. */
export const notPermitted = ({ from, to }: Reference): string =>
  `${to.kind} ${to.namespace}/${to.name} is in another namespace, and no ReferenceGrant there lets a ${from.kind} of ` +
  `${from.namespace} refer to it`;
