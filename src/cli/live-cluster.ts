/** The cluster that kubectl speaks to, as the offline commands look at it: read once with the user's own rights. */
import { ApiError } from '../kube/api-error.ts';
import type { Connection, ConnectOptions } from '../kube/connect.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { ObjectStatus } from '../model/status.ts';
import { checkPattern } from '../translate/check-pattern.ts';
import type { StoredObject } from '../translate/sort-objects.ts';
import { sortObjects } from '../translate/sort-objects.ts';
import { translate } from '../translate/translate.ts';
import { CommandFailed, type CommandLine, type OptionSpec } from './command-line.ts';
import { VERSION } from './version.ts';

export const LIVE_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  live: { help: 'the objects of the cluster that kubectl speaks to' },
  kubeconfig: { value: 'FILE', help: 'the same, by another kubeconfig' },
  context: { value: 'NAME', help: 'the same, by another context of it' },
  namespace: { short: 'n', value: 'NAME', help: 'of the cluster only this namespace (default: all)' },
};

export const isLive = (line: CommandLine): boolean =>
  line.flag('live') || line.value('kubeconfig') !== null || line.value('context') !== null;

export interface LiveCluster {
  readonly snapshot: Snapshot;
  readonly statuses: readonly ObjectStatus[];
  readonly objects: readonly StoredObject[];
  /** What could not be read, for people. */
  readonly unread: readonly string[];
}

/**
 * `over`: objects that are taken to be there, in place of those of the same name. Errors: CommandFailed, where there is no
 * cluster, or nothing of it may be read.
 */
export async function readLive(line: CommandLine, over: readonly StoredObject[] = []): Promise<LiveCluster> {
  // The Kubernetes client takes a quarter of a second to load: not where only files are looked at.
  const { connectApi } = await import('../kube/connect.ts');
  const { readCluster } = await import('../controller/read-cluster.ts');
  const { api } = connectLive(line, connectApi);
  try {
    const className = line.value('class') ?? 'tcpvs';
    const { state, objects, unread } = await readCluster(api, className, line.value('namespace'));
    const named = new Map([...objects, ...over].map((object) => [idOf(object), object]));
    const translation = translate({ ...state, ...sortObjects(named.values()) }, { checkPattern });
    return { ...translation, objects: [...named.values()], unread };
  } catch (error) {
    if (error instanceof ApiError) throw new CommandFailed(`the cluster: ${error.message}`);
    throw error;
  } finally {
    api.close();
  }
}

/** Errors: CommandFailed, where the kubeconfig cannot be used; nothing is asked yet. */
export function connectLive(line: CommandLine, connectApi: (options: ConnectOptions) => Connection): Connection {
  const context = line.value('context');
  try {
    return connectApi({
      kubeconfig: line.value('kubeconfig'),
      ...(context === null ? {} : { context }),
      userAgent: `tcpvs/${VERSION}`,
    });
  } catch (error) {
    throw new CommandFailed((error as Error).message);
  }
}

export const idOf = ({ kind, metadata: { namespace, name } }: StoredObject): string => `${kind} ${namespace}/${name}`;
