/** The table as the objects of a cluster, in one namespace: what `kubectl tcpvs` lists and changes. */
import type { ApiObject, CountsDocument, ObjectsWrite, ProfilesDocument, StatusDocument } from '../admin/contract.ts';
import { ApiError } from '../kube/api-error.ts';
import type { Api, CallOptions } from '../kube/api.ts';
import { collectionPath, objectPath } from '../kube/resource.ts';
import type { Kind } from '../model/status.ts';
import { AdminError } from './admin-client.ts';
import { printable } from './output.ts';
import { ATTEMPTS, type TableServer } from './table-server.ts';

/** In the order in which they are written: what is referred to comes first. Deleted in the other order. */
const PLURALS: Readonly<Record<Kind, string>> = {
  RealServer: 'realservers',
  AppWeightMatrix: 'appweightmatrices',
  TcpVirtualServer: 'tcpvirtualservers',
};
const GROUP = { group: 'tcpvs.io', version: 'v1alpha1' };
const KINDS = Object.keys(PLURALS) as Kind[];
const PAGE = '500';
const CONTROLLERS = 'app.kubernetes.io/name=tcpvs,app.kubernetes.io/component=controller';

type Listed = StatusDocument['objects'][number];

export class ClusterClient implements TableServer {
  readonly #api: Pick<Api, 'call'>;
  readonly #namespace: string;

  constructor(api: Pick<Api, 'call'>, namespace: string) {
    this.#api = api;
    this.#namespace = namespace;
  }

  async objects(): Promise<{ readonly objects: readonly ApiObject[] }> {
    return { objects: await this.#list() };
  }

  async status(): Promise<StatusDocument> {
    return { objects: await this.#list() };
  }

  /** Of all installations that may be seen: each counts the objects of its own class. */
  async counts(): Promise<CountsDocument> {
    const documents = await this.#askControllers<CountsDocument>('/v1/counts');
    return {
      rows: documents.flatMap(({ rows }) => rows),
      endpoints: documents.flatMap(({ endpoints }) => endpoints),
    };
  }

  /** Of all installations that may be seen; each replica of a controller learns by itself, and one of them answers. */
  async profiles(): Promise<ProfilesDocument> {
    const documents = await this.#askControllers<ProfilesDocument>('/v1/profiles');
    return {
      at: Math.max(...documents.map(({ at }) => at)),
      matrices: documents.flatMap(({ matrices }) => matrices),
    };
  }

  async #askControllers<T>(path: string): Promise<T[]> {
    const services = await this.#ask<{ items: Service[] }>('GET', '/api/v1/services', {
      query: { labelSelector: CONTROLLERS },
    });
    if (services.items.length === 0) throw new AdminError(0, 'no Service of a tcpvs controller in the cluster');
    return await Promise.all(
      services.items.map(({ metadata: { namespace, name } }) =>
        this.#ask<T>('GET', `/api/v1/namespaces/${namespace}/services/${name}:admin/proxy${path}`),
      ),
    );
  }

  /**
   * The API server writes object by object. A dry run of all comes first, so that what it refuses (by validation, rights
   * or admission) is known before anything is written.
   */
  async change<T extends Pick<ObjectsWrite, 'apply' | 'delete'>>(
    compute: (objects: readonly ApiObject[]) => T,
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const before = new Map((await this.#list()).map((object) => [idOf(object.kind, object.metadata), object]));
      const wanted = compute([...before.values()]);
      try {
        for (const dryRun of [true, false]) await this.#write(wanted, before, dryRun);
        return wanted;
      } catch (error) {
        if (!(error instanceof AdminError) || error.status !== 409 || attempt === ATTEMPTS) throw error;
      }
    }
  }

  async #write(
    wanted: Pick<ObjectsWrite, 'apply' | 'delete'>,
    before: ReadonlyMap<string, Listed>,
    dryRun: boolean,
  ): Promise<void> {
    const query = dryRun ? { dryRun: 'All' } : {};
    for (const kind of KINDS) {
      for (const object of wanted.apply.filter((each) => each.kind === kind)) {
        const { name, namespace } = object.metadata;
        const exists = before.has(idOf(kind, object.metadata));
        const path = pathOf(kind, namespace, exists ? name : null);
        await this.#ask(exists ? 'PUT' : 'POST', path, { query, body: object });
      }
    }
    for (const kind of KINDS.toReversed()) {
      for (const gone of wanted.delete.filter((each) => each.kind === kind)) {
        const metadata = before.get(idOf(kind, gone))?.metadata;
        const body = { preconditions: { uid: metadata?.['uid'], resourceVersion: metadata?.['resourceVersion'] } };
        const { namespace, name } = gone;
        await this.#ask('DELETE', pathOf(kind, namespace, name), { query, body });
      }
    }
  }

  async #list(): Promise<Listed[]> {
    const lists = await Promise.all(KINDS.map((kind) => this.#listKind(kind)));
    return lists.flat();
  }

  async #listKind(kind: Kind): Promise<Listed[]> {
    const found: Listed[] = [];
    let next = '';
    do {
      const query = { limit: PAGE, ...(next === '' ? {} : { continue: next }) };
      const page = await this.#ask<List>('GET', pathOf(kind, this.#namespace, null), { query });
      // The items of a list name neither their kind nor their version.
      for (const item of page.items) found.push({ ...item, kind, apiVersion: page.apiVersion, status: statusOf(item) });
      next = page.metadata.continue ?? '';
    } while (next !== '');
    return found;
  }

  async #ask<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    try {
      return await this.#api.call<T>(method, path, options);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { status, message } = error;
      const missing = status === 404 && method === 'GET' && KINDS.some((kind) => path.endsWith(PLURALS[kind]));
      throw new AdminError(
        status,
        missing
          ? `there is no ${GROUP.group}/${GROUP.version} in the cluster: are the CRDs of tcpvs installed?`
          : printable(message),
      );
    }
  }
}

interface Service {
  readonly metadata: { readonly namespace: string; readonly name: string };
}

interface List {
  readonly apiVersion: string;
  readonly metadata: { readonly continue?: string };
  readonly items: readonly Listed[];
}

/** An object that no controller has looked at has no status beyond its defaults, or none at all. */
function statusOf(item: Partial<Listed>): Listed['status'] {
  return { observedGeneration: 0, conditions: [], ...item.status };
}

function pathOf(kind: Kind, namespace: string, name: string | null): string {
  const resource = { ...GROUP, kind, plural: PLURALS[kind] };
  return name === null ? collectionPath(resource, namespace) : objectPath(resource, namespace, name);
}

function idOf(kind: string, { namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${kind} ${namespace}/${name}`;
}
