import type { Pod } from './kinds.ts';

export interface PodAddresses {
  readonly podIP: string;
  readonly hostIP: string;
}

/** The downward API: what a `fieldRef` means. Pure. */
export function podField({ metadata, spec }: Pod, path: string, { podIP, hostIP }: PodAddresses): string {
  const selected = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (selected !== null) return metadata[selected[1] as 'labels' | 'annotations']?.[selected[2] ?? ''] ?? '';
  switch (path) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace;
    case 'metadata.uid':
      return metadata.uid;
    case 'metadata.labels':
      return lines(metadata.labels);
    case 'metadata.annotations':
      return lines(metadata.annotations);
    case 'spec.nodeName':
      return spec.nodeName ?? '';
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? '';
    case 'status.podIP':
    case 'status.podIPs':
      return podIP;
    case 'status.hostIP':
    case 'status.hostIPs':
      return hostIP;
    default:
      throw new Error(`fieldPath ${path} is not known here`);
  }
}

/** As the kubelet writes them into a file. */
const lines = (map: Readonly<Record<string, string>> = {}) =>
  Object.entries(map)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
