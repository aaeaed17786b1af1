/** ConfigMaps, Secrets and Services, as the agent needs them: here, and up to date. */
import type { ApiClient, KubeObject } from '../api-client.ts';
import { follow } from '../follow.ts';

export interface Objects {
  /** Content by key; null where there is no such object. */
  data(kind: 'ConfigMap' | 'Secret', namespace: string, name: string): Readonly<Record<string, Buffer>> | null;
  services(): readonly KubeObject[];
  /** Called when a ConfigMap or Secret of a namespace has changed. Returns how to stop that. */
  onChange(namespace: string, changed: () => void): () => void;
}

const PATHS = { ConfigMap: '/api/v1/configmaps', Secret: '/api/v1/secrets', Service: '/api/v1/services' };

/** Resolves once all of them are listed. */
export async function followObjects(client: ApiClient): Promise<Objects> {
  const known = {
    ConfigMap: new Map<string, KubeObject>(),
    Secret: new Map<string, KubeObject>(),
    Service: new Map<string, KubeObject>(),
  };
  const listeners = new Map<string, Set<() => void>>();
  const listed = (Object.keys(PATHS) as (keyof typeof PATHS)[]).map(
    (kind) =>
      new Promise<void>((resolve) => {
        const tell = ({ metadata }: KubeObject) => {
          if (kind !== 'Service') listeners.get(metadata.namespace ?? '')?.forEach((listener) => listener());
        };
        follow(client, PATHS[kind], {
          changed: (object) => {
            known[kind].set(keyOf(object), object);
            tell(object);
          },
          gone: (object) => {
            known[kind].delete(keyOf(object));
            tell(object);
          },
          listed: resolve,
        });
      }),
  );
  await Promise.all(listed);
  return {
    data: (kind, namespace, name) => {
      const object = known[kind].get(`${namespace}/${name}`);
      if (object === undefined) return null;
      return kind === 'Secret'
        ? decoded(object['data'])
        : { ...plain(object['data']), ...decoded(object['binaryData']) };
    },
    services: () => [...known.Service.values()],
    onChange: (namespace, changed) => {
      const set = listeners.get(namespace) ?? new Set();
      listeners.set(namespace, set.add(changed));
      return () => set.delete(changed);
    },
  };
}

const keyOf = ({ metadata }: KubeObject) => `${metadata.namespace}/${metadata.name}`;

type Data = Readonly<Record<string, string>> | undefined;

const decoded = (data: Data) => mapped(data, (value) => Buffer.from(value, 'base64'));
const plain = (data: Data) => mapped(data, (value) => Buffer.from(value));

function mapped(data: Data, convert: (value: string) => Buffer): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, convert(value)]));
}
