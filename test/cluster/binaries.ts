/** Where the programs of a real control plane are. */
import { accessSync, constants, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** What an API server alone needs: enough for tests of the API. */
const API = ['etcd', 'kube-apiserver', 'kubectl'];
const CLUSTER = [...API, 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'helm'];

const TOOLS = ['unshare', 'nsenter', 'setpriv', 'ip', 'nft'];

const BUILT = join(import.meta.dirname, '../../.cache/cluster/bin');

/**
 * The directory that holds them: TCPVS_CLUSTER_BIN, else what `make cluster-binaries` built, else, where an API server is
 * all that is asked for, KUBEBUILDER_ASSETS (it has no controllers). Else why there is none, and what to do.
 */
export function findBinaries(need: 'api' | 'cluster' = 'cluster'): { readonly bin: string } | { readonly why: string } {
  const { TCPVS_CLUSTER_BIN: given, KUBEBUILDER_ASSETS: assets } = process.env;
  const names = need === 'api' ? API : CLUSTER;
  if (given !== undefined) {
    const missing = names.filter((name) => !executable(join(given, name)));
    if (missing.length === 0) return { bin: given };
    return { why: `TCPVS_CLUSTER_BIN=${given} has no ${missing.join(', ')}` };
  }
  const places = need === 'api' && assets !== undefined ? [BUILT, assets] : [BUILT];
  const bin = places.find((place) => names.every((name) => executable(join(place, name))));
  if (bin !== undefined) return { bin: realpathSync(bin) };
  return { why: 'no kube-apiserver and its like: run `make cluster-binaries` (needs Go), or set TCPVS_CLUSTER_BIN' };
}

/**
 * For the `skip` of a test: false where it can run, else why not. In CI it is always false, so that what cannot run there
 * fails.
 */
export function skipReason(need: 'api' | 'cluster' = 'cluster'): string | false {
  if (process.env['CI'] !== undefined && process.env['CI'] !== '' && process.env['CI'] !== 'false') return false;
  const found = findBinaries(need);
  if ('why' in found) return found.why;
  return (need === 'cluster' && whyNoNamespaces()) || false;
}

/** Why this process cannot make the namespaces that a cluster lives in; null: it can. */
export function whyNoNamespaces(): string | null {
  if (process.platform !== 'linux') return 'the cluster of the tests needs Linux, for its network namespaces';
  if (process.getuid?.() !== 0) return 'the cluster of the tests needs root, for namespaces, mounts and users of pods';
  const places = `${process.env['PATH']}:/usr/sbin:/sbin`.split(':');
  const missing = TOOLS.filter((tool) => !places.some((place) => executable(join(place, tool))));
  return missing.length === 0 ? null : `the cluster of the tests needs ${missing.join(', ')}: run \`make tools\``;
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
