/** A pod's volumes on this machine's disk, kept up to date for as long as the pod lives. */
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { must } from '../run.ts';
import { MissingSource } from './environment.ts';
import type { PodAddresses } from './fields.ts';
import type { Pod, VolumeSpec } from './kinds.ts';
import type { Objects } from './objects.ts';
import { type VolumeFile, volumeFiles } from './volume-files.ts';
import { type Owner, writeFiles } from './write-files.ts';

export interface Volumes {
  /** The directory of a volume. */
  path(name: string): string;
  close(): Promise<void>;
}

export interface VolumeTools {
  readonly objects: Objects;
  /** A new token for the pod. */
  readonly requestToken: (audience: string | undefined, seconds: number) => Promise<string>;
}

/** Rejects with MissingSource where an object is missing that is not optional. */
export async function openVolumes(
  pod: Pod,
  directory: string,
  addresses: PodAddresses,
  tools: VolumeTools,
): Promise<Volumes> {
  const volumes = pod.spec.volumes ?? [];
  const owner = ownerOf(pod);
  const token = tokenCache(tools);
  const sources = { pod, addresses, objects: tools.objects, token };
  const path = (name: string) => join(directory, name);
  const mounted: string[] = [];
  const written = new Map<string, string>();

  const update = async (volume: VolumeSpec) => {
    const files = await volumeFiles(volume, sources);
    const print = fingerprint(files);
    if (written.get(volume.name) === print) return;
    writeFiles(path(volume.name), files, owner);
    written.set(volume.name, print);
  };
  const ofFiles = volumes.filter((volume) => volume.emptyDir === undefined);
  const close = async () => {
    for (const each of mounted) await must(['umount', '-l', each]);
  };
  try {
    // First what may be missing: nothing is left half made.
    for (const volume of ofFiles) await volumeFiles(volume, sources);
    for (const volume of volumes) {
      mkdirSync(path(volume.name), { recursive: true });
      if (volume.emptyDir === undefined) {
        await update(volume);
        continue;
      }
      if (volume.emptyDir.medium === 'Memory') {
        await must(['mount', '-t', 'tmpfs', ...tmpfsSize(volume.emptyDir.sizeLimit), 'tmpfs', path(volume.name)]);
        mounted.push(path(volume.name));
      }
      chownSync(path(volume.name), 0, owner.group);
      chmodSync(path(volume.name), 0o777);
    }
  } catch (error) {
    await close();
    throw error;
  }

  // An object that was deleted, and an API that is away, leave what was there.
  const refresh = () => {
    for (const volume of ofFiles) update(volume).catch(() => {});
  };
  const forget = tools.objects.onChange(pod.metadata.namespace, refresh);
  const timer = setInterval(refresh, 10_000);
  return {
    path: (name) => {
      if (volumes.some((volume) => volume.name === name)) return path(name);
      throw new MissingSource(`volume ${name} is not in the pod`);
    },
    close: async () => {
      clearInterval(timer);
      forget();
      await close();
    },
  };
}

/** Tokens are asked for anew when four fifths of their time are over, as the kubelet does. */
function tokenCache({ requestToken }: VolumeTools) {
  const cached = new Map<string, { token: string; until: number }>();
  return async (audience: string | undefined, seconds: number): Promise<string> => {
    const key = `${audience} ${seconds}`;
    const known = cached.get(key);
    if (known !== undefined && performance.now() < known.until) return known.token;
    const token = await requestToken(audience, seconds);
    cached.set(key, { token, until: performance.now() + seconds * 800 });
    return token;
  };
}

function ownerOf({ spec }: Pod): Owner {
  const { runAsUser, fsGroup } = spec.securityContext ?? {};
  const users = new Set(spec.containers.map((container) => container.securityContext?.runAsUser ?? runAsUser ?? 0));
  const [only = 0] = users;
  return { user: users.size === 1 ? only : 0, group: fsGroup ?? 0 };
}

/** A quantity such as 16Mi is `16m` for mount. */
function tmpfsSize(limit: string | undefined): string[] {
  const match = /^(\d+)([KMG])i?$/.exec(limit ?? '');
  return match === null ? [] : ['-o', `size=${match[1]}${match[2]?.toLowerCase()}`];
}

function fingerprint(files: ReadonlyMap<string, VolumeFile>): string {
  return JSON.stringify([...files].map(([path, { content, mode }]) => [path, mode, content.toString('base64')]));
}
