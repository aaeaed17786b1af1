/** What files a volume has: pure, but for the token that it asks for. */
import { MissingSource } from './environment.ts';
import { type PodAddresses, podField } from './fields.ts';
import type { DownwardItem, KeyToPath, Pod, Projection, VolumeSpec } from './kinds.ts';
import type { Objects } from './objects.ts';

export interface VolumeFile {
  readonly content: Buffer;
  readonly mode: number;
}

export interface FileSources {
  readonly pod: Pod;
  readonly addresses: PodAddresses;
  readonly objects: Objects;
  /** A token that is still good. */
  token(audience: string | undefined, seconds: number): Promise<string>;
}

/** By path in the volume. Throws MissingSource where what is not optional is not there. */
export async function volumeFiles(volume: VolumeSpec, sources: FileSources): Promise<Map<string, VolumeFile>> {
  const { configMap, secret, downwardAPI, projected } = volume;
  const mode = (configMap ?? secret ?? downwardAPI ?? projected)?.defaultMode ?? 0o644;
  const parts: Projection[] = [
    ...(configMap === undefined ? [] : [{ configMap }]),
    ...(secret === undefined ? [] : [{ secret: { ...secret, name: secret.secretName } }]),
    ...(downwardAPI === undefined ? [] : [{ downwardAPI }]),
    ...(projected?.sources ?? []),
  ];
  const files = new Map<string, VolumeFile>();
  for (const part of parts) {
    for (const [path, file] of await filesOf(part, mode, sources)) files.set(path, file);
  }
  return files;
}

async function filesOf(part: Projection, mode: number, sources: FileSources): Promise<[string, VolumeFile][]> {
  const { configMap, secret, downwardAPI, serviceAccountToken } = part;
  if (serviceAccountToken !== undefined) {
    const { path, audience, expirationSeconds = 3600 } = serviceAccountToken;
    // As the kubelet: for whom the pod runs as, and nobody else.
    return [[path, { content: Buffer.from(await sources.token(audience, expirationSeconds)), mode: 0o600 }]];
  }
  if (downwardAPI !== undefined) return (downwardAPI.items ?? []).map((item) => downwardFile(item, mode, sources));
  const source = configMap ?? secret;
  if (source === undefined) throw new MissingSource('a projection of a kind that is not known here');
  const kind = configMap === undefined ? 'Secret' : 'ConfigMap';
  const data = sources.objects.data(kind, sources.pod.metadata.namespace, source.name);
  if (data === null) {
    if (source.optional === true) return [];
    throw new MissingSource(`${kind.toLowerCase()} "${source.name}" not found`);
  }
  const items: readonly KeyToPath[] = source.items ?? Object.keys(data).map((key) => ({ key, path: key }));
  return items.flatMap((item): [string, VolumeFile][] => {
    const content = data[item.key];
    if (content !== undefined) return [[item.path, { content, mode: item.mode ?? mode }]];
    if (source.optional === true) return [];
    throw new MissingSource(`${kind.toLowerCase()} "${source.name}" has no key ${item.key}`);
  });
}

function downwardFile(item: DownwardItem, mode: number, { pod, addresses }: FileSources): [string, VolumeFile] {
  const content = Buffer.from(podField(pod, item.fieldRef?.fieldPath ?? '', addresses));
  return [item.path, { content, mode: item.mode ?? mode }];
}
