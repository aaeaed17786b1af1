/**
 * What was learned of the apps, over restarts: in one ConfigMap of the installation, an entry for each matrix. Whoever leads
 * writes it; whoever starts reads it, so that the next leader knows what the one before did. Traffic does not depend on it.
 */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

import { isConflict, isNotFound } from '../kube/api-error.ts';
import type { Api } from '../kube/api.ts';
import { type Clock, systemClock } from '../kube/clock.ts';
import { apiVersionOf, collectionPath, type KubeObject, objectPath } from '../kube/resource.ts';
import { bookOf, type KeptBook, keptBook } from '../learning/kept-book.ts';
import { ProfileBook } from '../learning/profile-book.ts';
import { hashContent } from '../model/content.ts';
import type { Log } from '../telemetry/log.ts';
import { CONFIG_MAPS } from './resources.ts';

export interface KeptProfilesOptions {
  readonly api: Pick<Api, 'call'>;
  readonly namespace: string;
  readonly name: string;
  readonly book: ProfileBook;
  readonly log: Log;
  readonly clock?: Clock;
}

/** Milliseconds between two writes: what is learned changes slowly, and an API server keeps every version for some minutes. */
const PERIOD = 300_000;
/** Milliseconds that reading may hold up a start, and writing an end. */
const PATIENCE = 3000;
/** Bytes in base64 that all entries may have: an API server takes 1 MiB. */
const ROOM = 900_000;
/** Bytes that an entry may have when it is unpacked. */
const MOST = 64 * 2 ** 20;

export class KeptProfiles {
  readonly #options: KeptProfilesOptions;
  readonly #clock: Clock;
  #stop: (() => void) | null = null;
  #writing: Promise<void> = Promise.resolve();
  /** As it was written last. */
  #written = '';

  constructor(options: KeptProfilesOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Puts into the book what is kept of matrices that it does not know. What cannot be read is said, and left out. */
  async restore(): Promise<void> {
    const { book, log } = this.#options;
    try {
      const { binaryData } = await this.#read();
      for (const [entry, data] of Object.entries(binaryData ?? {})) {
        try {
          addTo(book, bookOf(JSON.parse(await unpacked(data))));
        } catch (error) {
          log.error(`${this.#said}: what was learned before is not used: ${entry}: ${(error as Error).message}`);
        }
      }
    } catch (error) {
      if (!isNotFound(error))
        log.warn(`${this.#said}: what was learned before is not known: ${(error as Error).message}`);
    }
  }

  /** The one that leads writes from now on; one that does not any more leaves it to the next. */
  lead(leads: boolean): void {
    this.#stop?.();
    this.#stop = leads ? this.#later() : null;
  }

  /** Writes what has changed. Never fails: what went wrong is said, and tried again the next time. */
  write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  /** A leader writes once more. */
  async close(): Promise<void> {
    const led = this.#stop !== null;
    this.lead(false);
    if (led) await this.write();
  }

  #later(): () => void {
    return this.#clock.after(PERIOD, () => {
      this.#stop = this.#later();
      void this.write();
    });
  }

  async #write(): Promise<void> {
    const { api, namespace, name, log } = this.#options;
    try {
      const binaryData = await this.#entries();
      const content = JSON.stringify(binaryData);
      if (content === this.#written) return;
      const head = { apiVersion: apiVersionOf(CONFIG_MAPS), kind: CONFIG_MAPS.kind };
      const known = await this.#read().catch((error: unknown) => {
        if (isNotFound(error)) return null;
        throw error;
      });
      const body =
        known === null ? { ...head, metadata: { namespace, name }, binaryData } : { ...known, ...head, binaryData };
      await (known === null
        ? api.call('POST', collectionPath(CONFIG_MAPS, namespace), { body, timeout: PATIENCE })
        : api.call('PUT', objectPath(CONFIG_MAPS, namespace, name), { body, timeout: PATIENCE }));
      this.#written = content;
    } catch (error) {
      // Another one leads by now.
      if (!isConflict(error)) log.warn(`${this.#said}: what was learned is not kept: ${(error as Error).message}`);
    }
  }

  /** By matrix, the smallest ones first as long as there is room. */
  async #entries(): Promise<Record<string, string>> {
    const { book, log } = this.#options;
    const packed: { readonly matrix: string; readonly data: string }[] = [];
    for (const matrix of book.matrices.keys())
      packed.push({ matrix, data: await packedOf(keptBook(only(book, matrix))) });
    const entries: Record<string, string> = {};
    let bytes = 0;
    for (const { matrix, data } of packed.toSorted((a, b) => a.data.length - b.data.length)) {
      bytes += data.length;
      if (bytes <= ROOM) entries[`${hashContent(matrix)}.json.gz`] = data;
      else
        log.warn(
          { matrix },
          `${this.#said}: what was learned of matrix ${matrix} is not kept: there is no room for it`,
        );
    }
    return entries;
  }

  async #read(): Promise<ConfigMap> {
    const { api, namespace, name } = this.#options;
    return await api.call<ConfigMap>('GET', objectPath(CONFIG_MAPS, namespace, name), { timeout: PATIENCE });
  }

  get #said(): string {
    return `ConfigMap ${this.#options.namespace}/${this.#options.name}`;
  }
}

interface ConfigMap extends KubeObject {
  readonly binaryData?: Readonly<Record<string, string>>;
}

function only(book: ProfileBook, matrix: string): ProfileBook {
  const one = new ProfileBook();
  const [apps, resources] = [book.matrices.get(matrix), book.resources.get(matrix)];
  if (apps !== undefined) one.matrices.set(matrix, apps);
  if (resources !== undefined) one.resources.set(matrix, resources);
  return one;
}

function addTo(book: ProfileBook, kept: ProfileBook): void {
  for (const [matrix, apps] of kept.matrices) if (!book.matrices.has(matrix)) book.matrices.set(matrix, apps);
  for (const [matrix, each] of kept.resources) if (!book.resources.has(matrix)) book.resources.set(matrix, each);
}

async function packedOf(kept: KeptBook): Promise<string> {
  return (await promisify(gzip)(JSON.stringify(kept))).toString('base64');
}

async function unpacked(data: string): Promise<string> {
  return (await promisify(gunzip)(Buffer.from(data, 'base64'), { maxOutputLength: MOST })).toString();
}
