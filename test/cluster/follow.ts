/** What the API has under a path, kept up to date: a list, then a watch, and again when that ends. */
import { setTimeout as sleep } from 'node:timers/promises';

import type { ApiClient, KubeObject } from './api-client.ts';

export interface Follower {
  /** Added or changed. */
  changed(object: KubeObject): void;
  gone?(object: KubeObject): void;
  /** After each list. */
  listed?(): void;
}

export interface Following {
  stop(): void;
}

/** `path`: a collection, with a selector or without. Handlers must not throw. */
export function follow(client: ApiClient, path: string, follower: Follower): Following {
  const aborter = new AbortController();
  const known = new Map<string, KubeObject>();
  const seen = (object: KubeObject) => {
    const before = known.get(object.metadata.uid);
    known.set(object.metadata.uid, object);
    if (before?.metadata.resourceVersion !== object.metadata.resourceVersion) follower.changed(object);
  };
  const lost = (object: KubeObject) => {
    known.delete(object.metadata.uid);
    follower.gone?.(object);
  };
  const once = async () => {
    const list = await client.get<{ items: KubeObject[]; metadata: { resourceVersion: string } }>(path);
    const listed = new Set(list.items.map(({ metadata }) => metadata.uid));
    for (const object of [...known.values()].filter(({ metadata }) => !listed.has(metadata.uid))) lost(object);
    for (const object of list.items) seen(object);
    follower.listed?.();
    const query = `${path.includes('?') ? '&' : '?'}watch=true&resourceVersion=${list.metadata.resourceVersion}`;
    for await (const { type, object } of client.watch(path + query, aborter.signal)) {
      if (type === 'ERROR') return;
      if (type === 'DELETED') lost(object);
      else if (type !== 'BOOKMARK') seen(object);
    }
  };
  const loop = async () => {
    while (!aborter.signal.aborted) {
      // The API may be away: that is for its tests to notice, not for this.
      await once().catch(() => {});
      await sleep(200, undefined, { signal: aborter.signal }).catch(() => {});
    }
  };
  void loop();
  return { stop: () => aborter.abort() };
}

/** Resolves with what is under `path` once it is as wished; rejects after `patience` ms and says how it is. */
export function until(
  client: ApiClient,
  path: string,
  wished: (objects: readonly KubeObject[]) => boolean,
  patience = 60_000,
): Promise<readonly KubeObject[]> {
  return new Promise((resolve, reject) => {
    const known = new Map<string, KubeObject>();
    let isListed = false;
    const judge = () => {
      const objects = [...known.values()];
      if (!isListed || !wished(objects)) return;
      end();
      resolve(objects);
    };
    const following = follow(client, path, {
      changed: (object) => {
        known.set(object.metadata.uid, object);
        judge();
      },
      gone: (object) => {
        known.delete(object.metadata.uid);
        judge();
      },
      listed: () => {
        isListed = true;
        judge();
      },
    });
    const timer = setTimeout(() => {
      end();
      reject(new Error(`${path} is still not as wished:\n${[...known.values()].map(summary).join('\n')}`));
    }, patience);
    const end = () => {
      clearTimeout(timer);
      following.stop();
    };
  });
}

/** What a person would look at first. */
function summary({ metadata, status }: KubeObject): string {
  const { phase, conditions = [], ...rest } = (status ?? {}) as { phase?: string; conditions?: Condition[] };
  const of = conditions.map(
    (each) => `${each.type}=${each.status}${each.reason === undefined ? '' : ` ${each.reason}`}`,
  );
  const deleted = metadata.deletionTimestamp === undefined ? '' : ' (being deleted)';
  return `${metadata.name}${deleted} ${phase ?? ''} [${of.join(', ')}] ${JSON.stringify(rest).slice(0, 300)}`;
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
}
