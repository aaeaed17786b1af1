import { randomBytes } from 'node:crypto';

import {
  type Authorities,
  advanceAuthorities,
  authoritiesFromData,
  authoritiesToData,
  bundleOf,
  newAuthorities,
} from '../../delivery/certificates/authorities.ts';
import type { Keys } from '../../delivery/contract.ts';
import { isConflict, isNotFound } from '../../kube/api-error.ts';
import type { Api } from '../../kube/api.ts';
import { ResourceWatch } from '../../kube/resource-watch.ts';
import { apiVersionOf, collectionPath, type KubeObject, objectPath, type Resource } from '../../kube/resource.ts';
import type { WatchTiming } from '../../kube/watch-timing.ts';
import { DONE, type Outcome, WorkQueue, type WorkQueueMeasures } from '../../kube/work-queue.ts';
import type { Log } from '../../telemetry/log.ts';
import { newTicketKey } from '../../tls/ticket-keys.ts';
import { CONFIG_MAPS, SECRETS } from '../resources.ts';
import {
  advanceKeys,
  keysFromData,
  keysInOrder,
  keysToData,
  newRotatingKeys,
  type Rotation,
  type RotatingKeys,
} from './rotating-keys.ts';

export interface OwnObjectsOptions {
  readonly api: Api;
  readonly namespace: string;
  /** Of the installation: prefix of its objects' names. */
  readonly name: string;
  /** The authority or the keys are others now, or known for the first time. */
  readonly onChange: () => void;
  readonly log: Log;
  readonly timing?: Partial<WatchTiming>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Milliseconds until a part is looked at again that is not known yet. */
const SOON = 100;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Cookies of chttp live as long as a browser's session. */
const COOKIES: Rotation = {
  name: 'cookies',
  make: () => randomBytes(32).toString('hex'),
  pattern: /^[0-9a-f]{64}$/,
  period: 90 * DAY,
  overlap: HOUR,
};

/** Of TLS session tickets: whoever has the key can read what was said in the sessions before, so it is a short life. */
const TICKETS: Rotation = {
  name: 'tickets',
  make: newTicketKey,
  pattern: /^[0-9a-f]{96}$/,
  period: 12 * HOUR,
  overlap: HOUR,
};

interface OwnKeys {
  readonly cookies: RotatingKeys;
  readonly tickets: RotatingKeys;
}

type Texts = Readonly<Record<string, string>>;
type Part = 'ca' | 'bundle' | 'keys';

/**
 * What the installation keeps in the API for itself: the authority that signs the replicas' certificates, the keys that
 * proxies share, and the bundle that they trust. The leader makes and renews them; all replicas follow.
 */
export class OwnObjects {
  readonly #options: OwnObjectsOptions;
  readonly #watches: Readonly<Record<Part, ResourceWatch<KubeObject>>>;
  readonly #queue: WorkQueue;
  readonly #known = Promise.withResolvers<void>();
  #authorities: Authorities | null = null;
  #keys: OwnKeys | null = null;
  #leads = false;
  #faults = new Map<Part, string>();

  constructor(options: OwnObjectsOptions) {
    this.#options = options;
    const { name } = options;
    this.#watches = {
      ca: this.#watch('ca', SECRETS, `${name}-ca`),
      bundle: this.#watch('bundle', CONFIG_MAPS, `${name}-ca-bundle`),
      keys: this.#watch('keys', SECRETS, `${name}-keys`),
    };
    this.#queue = new WorkQueue({
      process: (part) => this.#settle(part as Part),
      backoff: { first: 100, most: 10_000, jitter: 0.2 },
      onFailure: (part, { why }, failures) => {
        if (failures === 1 || failures % 10 === 0) options.log.error(`${this.#nameOf(part as Part)}: ${why}`);
      },
    });
  }

  start(): void {
    for (const watch of Object.values(this.#watches)) watch.start();
  }

  get queue(): WorkQueueMeasures {
    return this.#queue.measures;
  }

  async close(): Promise<void> {
    await Promise.all([this.#queue.close(), ...Object.values(this.#watches).map((watch) => watch.close())]);
  }

  lead(leads: boolean): void {
    this.#leads = leads;
    if (leads) for (const part of PARTS) this.#queue.add(part);
  }

  /** Resolves when authority and keys are known: made by whoever leads, where there were none. */
  get whenKnown(): Promise<void> {
    return this.#known.promise;
  }

  /** What has to be known yet, and why it is not. */
  get missing(): string[] {
    const lacking = (['ca', 'keys'] as const).filter(
      (part) => (part === 'ca' ? this.#authorities : this.#keys) === null,
    );
    return lacking.map((part) => {
      const why = this.#faults.get(part) ?? this.#watches[part].trouble?.message;
      return `${this.#nameOf(part)}${why === undefined ? '' : ` (${why})`}`;
    });
  }

  /** Once they are known. */
  get authorities(): Authorities {
    if (this.#authorities === null) throw new Error('the authority is not known yet');
    return this.#authorities;
  }

  get keys(): Keys {
    if (this.#keys === null) throw new Error('the keys are not known yet');
    const { cookies, tickets } = this.#keys;
    return { cookies: keysInOrder(cookies), tickets: keysInOrder(tickets) };
  }

  #watch(part: Part, resource: Resource, name: string): ResourceWatch<KubeObject> {
    const { api, namespace, log, timing } = this.#options;
    return new ResourceWatch<KubeObject>({
      api,
      resource,
      namespace,
      name,
      keep: (object) => object,
      onKeys: () => this.#changed(part),
      log,
      ...(timing === undefined ? {} : { timing }),
    });
  }

  #changed(part: Part): void {
    try {
      this.#read(part);
      this.#faults.delete(part);
    } catch (error) {
      this.#faults.set(part, (error as Error).message);
    }
    if (this.#leads) {
      this.#queue.add(part);
      if (part === 'ca') this.#queue.add('bundle');
    }
  }

  /** Takes what the watch has. Errors: what is wrong with it; then what was known before stays. */
  #read(part: Part): void {
    const object = this.#object(part);
    if (object === undefined || part === 'bundle') return;
    const data = textsOf(object);
    if (part === 'ca') {
      if (data['ca.crt'] === undefined) return;
      this.#authorities = authoritiesFromData(data);
    } else {
      const [cookies, tickets] = [keysFromData(data, COOKIES), keysFromData(data, TICKETS)];
      if (cookies === null || tickets === null) return;
      this.#keys = { cookies, tickets };
    }
    if (this.#authorities !== null && this.#keys !== null) this.#known.resolve();
    this.#options.onChange();
  }

  async #settle(part: Part): Promise<Outcome> {
    if (!this.#leads) return DONE;
    if (!this.#watches[part].synced) return { kind: 'Again', after: SOON };
    const fault = this.#faults.get(part);
    // Not written over: a person has put it there, and has to know.
    if (fault !== undefined) return { kind: 'Retry', why: fault };
    try {
      await this.#write(part);
    } catch (error) {
      // Somebody else has written it; the watch brings it.
      if (!isConflict(error)) throw error;
    }
    return { kind: 'Again', after: HOUR };
  }

  async #write(part: Part): Promise<void> {
    const time = (this.#options.now ?? Date.now)();
    switch (part) {
      case 'ca': {
        const known = this.#authorities;
        const due = known === null ? newAuthorities(new Date(time)) : advanceAuthorities(known, new Date(time));
        if (due !== known || !this.#isThere(part)) await this.#put(part, encoded(authoritiesToData(due)));
        break;
      }
      case 'keys': {
        const known = this.#keys;
        const cookies = renewed(known?.cookies, COOKIES, time);
        const tickets = renewed(known?.tickets, TICKETS, time);
        if (cookies === known?.cookies && tickets === known.tickets && this.#isThere(part)) break;
        await this.#put(part, encoded({ ...keysToData(cookies, COOKIES), ...keysToData(tickets, TICKETS) }));
        break;
      }
      case 'bundle': {
        if (this.#authorities === null) break;
        const bundle = bundleOf(this.#authorities);
        const data = this.#object(part)?.['data'] as Texts | undefined;
        if (data?.['ca.crt'] !== bundle) await this.#put(part, { 'ca.crt': bundle });
        break;
      }
    }
  }

  /** Creates it, or replaces the version that is known. Errors: ApiError. */
  async #put(part: Part, data: Texts): Promise<void> {
    const { api, namespace, log } = this.#options;
    const resource = part === 'bundle' ? CONFIG_MAPS : SECRETS;
    const name = this.#nameOf(part);
    const head = { apiVersion: apiVersionOf(resource), kind: resource.kind };
    const known = this.#object(part);
    const create = async () => {
      const body = { ...head, metadata: { namespace, name }, data };
      await api.call('POST', collectionPath(resource, namespace), { body });
    };
    if (known === undefined) await create();
    else {
      const { managedFields: _, ...metadata } = known.metadata;
      const body = { ...known, ...head, metadata, data };
      await api.call('PUT', objectPath(resource, namespace, name), { body }).catch(async (error: unknown) => {
        if (!isNotFound(error)) throw error;
        await create();
      });
    }
    log.info(`${resource.kind} ${namespace}/${name}: written`);
  }

  /** Somebody may have deleted it, or what is in it: then what is known is written again. */
  #isThere(part: Part): boolean {
    return Object.keys(this.#object(part)?.['data'] ?? {}).length > 0;
  }

  #object(part: Part): KubeObject | undefined {
    const [object] = this.#watches[part].view.values();
    return object;
  }

  #nameOf(part: Part): string {
    return `${this.#options.name}-${part === 'bundle' ? 'ca-bundle' : part}`;
  }
}

const renewed = (known: RotatingKeys | undefined, rotation: Rotation, time: number): RotatingKeys =>
  known === undefined ? newRotatingKeys(rotation, time) : advanceKeys(known, rotation, time);

const PARTS: readonly Part[] = ['ca', 'keys', 'bundle'];

function textsOf(object: KubeObject): Texts {
  const data = (object['data'] ?? {}) as Texts;
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, Buffer.from(value, 'base64').toString()]),
  );
}

function encoded(data: Texts): Texts {
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, Buffer.from(value).toString('base64')]));
}
