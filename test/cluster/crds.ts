/** The product's own kinds, in an API. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { load } from 'js-yaml';

import { type ApiClient, ApiError, type KubeObject } from './api-client.ts';
import { until } from './follow.ts';

const CRDS = join(import.meta.dirname, '../../crds');
export const GATEWAY = 'gateway.networking.k8s.io';
const COLLECTION = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** Applies crds/*.yaml and waits until the API serves them. */
export async function installCrds({ client }: { readonly client: ApiClient }): Promise<void> {
  const files = readdirSync(CRDS).filter((name) => name.endsWith('.yaml'));
  const crds = files.map((name) => load(readFileSync(join(CRDS, name), 'utf8')) as KubeObject);
  await Promise.all(crds.map((crd) => client.apply(`${COLLECTION}/${crd.metadata.name}`, crd)));
  const names = new Set(crds.map(({ metadata }) => metadata.name));
  await until(client, COLLECTION, (all) => all.filter((crd) => names.has(crd.metadata.name)).every(isEstablished));
  await Promise.all(crds.map((crd) => untilServed(client, crd)));
}

/** As much of Gateway API as is read. */
export async function installGrants({ client }: { readonly client: ApiClient }): Promise<void> {
  const name = `referencegrants.${GATEWAY}`;
  const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  await client.create(COLLECTION, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name,
      annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/gateway-api' },
    },
    spec: {
      group: GATEWAY,
      scope: 'Namespaced',
      names: { kind: 'ReferenceGrant', plural: 'referencegrants' },
      versions: [
        {
          name: 'v1beta1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: open } } },
        },
      ],
    },
  });
  await until(client, COLLECTION, (all) => all.some((crd) => crd.metadata.name === name && isEstablished(crd)));
}

/** Established is said a moment before the API answers: it has no such path, or its storage is not there yet. */
async function untilServed(client: ApiClient, { spec }: KubeObject): Promise<void> {
  const path = `/apis/${spec.group}/${spec.versions[0].name}/${spec.names.plural}`;
  for (let tries = 0; tries < 1000; tries++) {
    try {
      await client.get(path);
      return;
    } catch (error) {
      if (!(error instanceof ApiError) || ![404, 429].includes(error.status)) throw error;
    }
    await sleep(20);
  }
  throw new Error(`the API does not serve ${path}`);
}

function isEstablished({ status }: KubeObject): boolean {
  const conditions = (status?.conditions ?? []) as { type: string; status: string }[];
  return conditions.some(({ type, status: is }) => type === 'Established' && is === 'True');
}
