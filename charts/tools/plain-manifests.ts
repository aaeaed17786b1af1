/** deploy/: what the chart renders to by its defaults, without what is Helm's, for `kubectl apply -k deploy`. */
import { dump, loadAll } from 'js-yaml';

interface Manifest {
  readonly metadata: {
    readonly annotations?: Record<string, string>;
    labels?: Record<string, string>;
    [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export const RELEASE = { name: 'tcpvs', namespace: 'tcpvs-system' };

const HEADER = '# Generated from charts/tcpvs by `make generate`; do not edit.\n';

/** File below deploy/ → text; one file per folder of the chart's templates. Hooks are Helm's and left out. */
export function plainManifests(rendered: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const part of rendered.split(/^---$/m)) {
    const folder = /^# Source: tcpvs\/templates\/([a-z-]+)/m.exec(part)?.[1];
    if (folder === undefined) continue;
    for (const object of loadAll(part) as (Manifest | null)[]) {
      if (object === null || object.metadata.annotations?.['helm.sh/hook'] !== undefined) continue;
      const file = `${folder}.yaml`;
      const before = files.get(file);
      const text = dump(withoutHelm(object), { noRefs: true, lineWidth: -1 });
      files.set(file, before === undefined ? HEADER + text : `${before}---\n${text}`);
    }
  }
  return files;
}

const OF_HELM = ['app.kubernetes.io/managed-by', 'helm.sh/chart', 'helm.sh/resource-policy'];

function withoutHelm(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutHelm);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .filter(([key]) => !OF_HELM.includes(key))
    .map(([key, each]) => [key, withoutHelm(each)] as const)
    .filter(([key, each]) => key !== 'annotations' || Object.keys(each as object).length > 0);
  return Object.fromEntries(entries);
}
