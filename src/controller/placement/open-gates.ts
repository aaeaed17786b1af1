import { ApiError } from '../../kube/api-error.ts';
import type { Api } from '../../kube/api.ts';
import { listPages } from '../../kube/list-pages.ts';
import { collectionPath, type KubeObject, keyOf, objectPath } from '../../kube/resource.ts';
import { GATE, podFacts } from '../facts/workloads.ts';
import { DEPLOYMENTS, PODS } from '../resources.ts';
import { openingPatch } from './pod-patches.ts';

export interface OpenedGates {
  /** Pods whose gate was opened: `namespace/name`. */
  readonly opened: readonly string[];
  /** Those whose gate could not be opened, and why. */
  readonly failed: readonly string[];
  /** Deployments whose new pods will wait at a gate that nobody opens. */
  readonly templates: readonly string[];
}

/** A pod that changes meanwhile is tried again so often. */
const TRIES = 5;

/**
 * Opens the gates of all pods as they are, for when no controller will do it any more. Pods that wait hold nothing but their place, so
 * there is nobody who could lose by it.
 * @param namespaces null: all
 */
export async function openGates(api: Api, namespaces: readonly string[] | null): Promise<OpenedGates> {
  const opened: string[] = [];
  const failed: string[] = [];
  const templates: string[] = [];
  for (const namespace of namespaces ?? [null]) {
    const gated: KubeObject[] = [];
    await listPages(api, collectionPath(PODS, namespace), {
      // Those that are on a node have been let through.
      query: { fieldSelector: 'spec.nodeName=' },
      onPage: (page) => gated.push(...page.filter((pod) => podFacts(pod).gate !== null)),
    });
    for (const pod of gated) {
      const why = await open(api, pod);
      if (why === null) opened.push(keyOf(pod));
      else failed.push(`${keyOf(pod)}: ${why}`);
    }
    await listPages(api, collectionPath(DEPLOYMENTS, namespace), {
      onPage: (page) => templates.push(...page.filter(isGated).map(keyOf)),
    });
  }
  return { opened, failed, templates };
}

/** Null: it is open, or gone. */
async function open(api: Api, { metadata: { namespace = '', name } }: KubeObject): Promise<string | null> {
  const path = objectPath(PODS, namespace, name);
  for (let tries = 1; ; tries++) {
    try {
      const patch = openingPatch(podFacts(await api.call<KubeObject>('GET', path)), null);
      if (patch !== null) await api.call('PATCH', path, { contentType: 'application/json-patch+json', body: patch });
      return null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 404) return null;
      if (tries === TRIES) return error.message;
    }
  }
}

function isGated({ spec }: KubeObject): boolean {
  const { template } = (spec ?? {}) as {
    template?: { spec?: { schedulingGates?: readonly { readonly name: string }[] } };
  };
  return template?.spec?.schedulingGates?.some(({ name }) => name === GATE) ?? false;
}
