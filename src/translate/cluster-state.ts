/** What translate sees: plain data, put together by a source (manifests, the API server, tcpvsadm). */
import type { AppWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import type { AppWeightMatrix, RealServer, TcpVirtualServer } from '../api/parse.ts';
import type { RealServerSpec } from '../api/real-server.ts';
import type { TcpVirtualServerSpec } from '../api/tcp-virtual-server.ts';
import type { ObjectKey } from '../model/snapshot.ts';
import type { Kind } from '../model/status.ts';
import type { ClusterFacts } from './cluster-facts.ts';

export interface ClusterState {
  readonly mode: 'Standalone' | 'Cluster';
  /** What the cluster has beside the objects; absent standalone, and as long as nothing of it is known. */
  readonly cluster?: ClusterFacts;
  /** Only objects of this class are seen. */
  readonly className: string;
  readonly virtualServers: ReadonlyMap<ObjectKey, TcpVirtualServer>;
  readonly realServers: ReadonlyMap<ObjectKey, RealServer>;
  readonly matrices: ReadonlyMap<ObjectKey, AppWeightMatrix>;
  /** Objects of this class that do not parse; they are served by their last good spec, and get a condition. */
  readonly invalid: readonly InvalidObject[];
  /** `lastGood` of the former translation, kept by the source (over restarts, if it can). */
  readonly lastGood: LastGood;
  /** Secrets that objects refer to, and certificates in files, under `certificateFileKey`. */
  readonly secrets: ReadonlyMap<ObjectKey, TlsSecret>;
}

export interface InvalidObject {
  readonly kind: Kind;
  readonly key: ObjectKey;
  readonly generation: number;
  /** As metadata.creationTimestamp; '' where it is not known. */
  readonly creationTimestamp: string;
  readonly faults: readonly string[];
}

/** Per object the spec that was last found good: what serves while the present one is bad. */
export interface LastGood {
  readonly virtualServers: ReadonlyMap<ObjectKey, TcpVirtualServerSpec>;
  readonly realServers: ReadonlyMap<ObjectKey, RealServerSpec>;
  readonly matrices: ReadonlyMap<ObjectKey, AppWeightMatrixSpec>;
}

/** What of a Secret is used; the values are PEM, null where it has none. Never logged, never shown. */
export interface TlsSecret {
  /** tls.crt */
  readonly certificate: string | null;
  /** tls.key */
  readonly key: string | null;
  /** ca.crt */
  readonly ca: string | null;
  /** Why there is nothing to read, for people: of files. */
  readonly fault?: string;
  /** It may not be read, and nothing is known of it: what to do about that, for people. Nothing of before serves then. */
  readonly denied?: string;
  /** What was good before, and serves where this is not: see GoodSecrets. */
  readonly former?: FormerSecret;
}

export type FormerSecret = Pick<TlsSecret, 'certificate' | 'key' | 'ca'>;

export const noLastGood: LastGood = { virtualServers: new Map(), realServers: new Map(), matrices: new Map() };

/** A state without objects. */
export const emptyState = (mode: ClusterState['mode'], className = 'tcpvs'): ClusterState => ({
  mode,
  className,
  virtualServers: new Map(),
  realServers: new Map(),
  matrices: new Map(),
  invalid: [],
  lastGood: noLastGood,
  secrets: new Map(),
});
