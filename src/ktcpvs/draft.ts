/** A working copy of the objects: changed at will, and in the end asked what differs from what was given. */
import { isDeepStrictEqual } from 'node:util';

import type { ApiObject, ObjectsWrite } from '../admin/contract.ts';
import { isManaged, isOurs } from './objects.ts';
import type { AnyObject, MatrixObject, RealObject, VirtualObject } from './objects.ts';
import type { Ident } from './table.ts';

export class Draft {
  readonly #before = new Map<string, AnyObject>();
  readonly #now = new Map<string, AnyObject>();

  /** Other kinds than the three are nothing to this room. */
  constructor(objects: readonly ApiObject[]) {
    for (const object of objects) {
      if (!isOurs(object)) continue;
      this.#before.set(keyOf(object), object as unknown as AnyObject);
      this.#now.set(keyOf(object), structuredClone(object) as unknown as AnyObject);
    }
  }

  /** In order of namespace and name, as they are listed. */
  virtuals(): VirtualObject[] {
    return this.#kind<VirtualObject>('TcpVirtualServer');
  }

  realServers(namespace: string): RealObject[] {
    return this.#kind<RealObject>('RealServer').filter((object) => object.metadata.namespace === namespace);
  }

  virtual(ident: Ident): VirtualObject | undefined {
    return this.#get<VirtualObject>('TcpVirtualServer', ident);
  }

  realServer(ident: Ident): RealObject | undefined {
    return this.#get<RealObject>('RealServer', ident);
  }

  matrix(ident: Ident): MatrixObject | undefined {
    return this.#get<MatrixObject>('AppWeightMatrix', ident);
  }

  put(object: AnyObject): void {
    this.#now.set(keyOf(object), object);
  }

  remove(object: AnyObject): void {
    this.#now.delete(keyOf(object));
  }

  /** Removes the real servers that were made here and that nothing names any more. */
  removeUnused(): void {
    const used = new Set<string>();
    for (const object of this.#now.values()) {
      for (const server of serversNamedBy(object)) used.add(`${object.metadata.namespace}/${server}`);
    }
    for (const object of this.#kind<RealObject>('RealServer')) {
      const key = `${object.metadata.namespace}/${object.metadata.name}`;
      if (isManaged(object) && !used.has(key)) this.remove(object);
    }
  }

  changes(): Pick<ObjectsWrite, 'apply' | 'delete'> {
    const apply = [...this.#now.entries()]
      .filter(([key, object]) => !isDeepStrictEqual(this.#before.get(key), object))
      .map(([, object]) => object as unknown as ApiObject);
    const gone = [...this.#before.entries()]
      .filter(([key]) => !this.#now.has(key))
      .map(([, { kind, metadata }]) => ({ kind, namespace: metadata.namespace, name: metadata.name }));
    return { apply, delete: gone };
  }

  #kind<T extends AnyObject>(kind: T['kind']): T[] {
    return [...this.#now.values()]
      .filter((object): object is T => object.kind === kind)
      .toSorted(
        (a, b) => compare(a.metadata.namespace, b.metadata.namespace) || compare(a.metadata.name, b.metadata.name),
      );
  }

  #get<T extends AnyObject>(kind: T['kind'], { namespace, name }: Ident): T | undefined {
    return this.#now.get(`${kind} ${namespace}/${name}`) as T | undefined;
  }
}

function keyOf(object: Pick<ApiObject, 'kind' | 'metadata'> | AnyObject): string {
  return `${object.kind} ${object.metadata.namespace}/${object.metadata.name}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function serversNamedBy(object: AnyObject): string[] {
  if (object.kind === 'AppWeightMatrix') return (object.spec.rows ?? []).map((row) => row.server);
  if (object.kind === 'RealServer') return [];
  const { servers = [], rules = [] } = object.spec;
  const mirrors = rules.flatMap((rule) => (rule.filters ?? []).map((filter) => mirrored(filter)));
  return [...servers, ...rules.flatMap((rule) => rule.servers ?? [])]
    .map((destination) => destination.server)
    .concat(mirrors.filter((server) => server !== null));
}

/** A mirror names its server in `server` or in `mirror.server`. */
function mirrored(filter: { [field: string]: unknown }): string | null {
  const inner = filter['mirror'] as { server?: unknown } | undefined;
  const server = filter['server'] ?? inner?.server;
  return typeof server === 'string' ? server : null;
}
