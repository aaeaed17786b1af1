/** Rendered objects, as loosely typed as YAML is; a path that is not there reads as undefined. */
import { loadAll } from 'js-yaml';

import { CHART, findProgram, helm, render } from '../../charts/tools/helm.ts';

/** What a template may render to has no type. */
export type Yaml = any;

/** For `test(name, needsHelm, …)`: in continuous integration there must be a helm. */
export const needsHelm =
  findProgram('helm') !== null || process.env['CI'] !== undefined
    ? {}
    : { skip: 'there is no helm; `make cluster-binaries` builds it' };

export interface Rendered {
  readonly objects: readonly Yaml[];
  /** The only object of this kind with this name. */
  find(kind: string, name: string): Yaml;
  ofKind(kind: string): readonly Yaml[];
  /** Pod templates, by name of their workload; `test` is the pod of `helm test`. */
  pods(): ReadonlyMap<string, Yaml>;
}

const WORKLOADS = ['Deployment', 'DaemonSet'];

export function rendered(
  values: object = {},
  { release = 'edge', namespace = 'tcpvs-system' }: { readonly release?: string; readonly namespace?: string } = {},
): Rendered {
  return fromText(render(release, namespace, JSON.stringify(values)));
}

export function fromText(text: string): Rendered {
  const objects = (loadAll(text) as Yaml[]).filter((object) => object !== null);
  const ofKind = (kind: string) => objects.filter((object) => object.kind === kind);
  return {
    objects,
    ofKind,
    find: (kind, name) => {
      const found = ofKind(kind).filter((object) => object.metadata.name === name);
      if (found.length !== 1) throw new Error(`${found.length} objects are ${kind} ${name}`);
      return found[0];
    },
    pods: () =>
      new Map(
        objects.flatMap((object) => {
          if (WORKLOADS.includes(object.kind)) return [[object.metadata.name, object.spec.template]];
          return object.kind === 'Pod' ? [[object.metadata.name, object]] : [];
        }),
      ),
  };
}

/** What helm says of values that it refuses. Errors: it did not refuse them. */
export function refusal(values: object, release = 'edge'): string {
  const set = Object.entries(values).flatMap(([path, value]) => ['--set-json', `${path}=${JSON.stringify(value)}`]);
  const { status, stderr } = helm('template', release, CHART, '--namespace', 'tcpvs-system', ...set);
  if (status === 0) throw new Error(`not refused: ${JSON.stringify(values)}`);
  return stderr;
}
