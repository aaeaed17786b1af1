/** What is around a matrix: its servers, which of its cells take work, and what the apps of other matrices use of the servers. */
import { addUp, type Reserved, type ServerFacts, serverFacts, usedBy } from '../manager/servers.ts';
import type { CountsDocument } from '../model/counts.ts';
import type { Rows } from '../model/matrix-rows.ts';
import type { MatrixProfile } from '../model/profiles.ts';
import type { ObjectKey } from '../model/snapshot.ts';
import type { Amounts } from '../placement/problem/problem.ts';
import type { ClusterState } from '../translate/cluster-state.ts';

export type Objects = Pick<ClusterState, 'matrices' | 'realServers' | 'cluster'>;

/** By the names that its rows have. */
export function serversOf(
  matrix: ObjectKey,
  { realServers, cluster }: Objects,
  className: string,
  reserved: Reserved,
): Map<string, ServerFacts> {
  const namespace = namespaceOf(matrix);
  return new Map(
    [...realServers].flatMap(([key, { spec }]) =>
      key.startsWith(namespace) && spec.className === className
        ? [[nameOf(key), serverFacts(spec, cluster?.nodes, reserved)] as const]
        : [],
    ),
  );
}

export interface Cells {
  /** Whether it takes no work now: its endpoints are out. */
  readonly isOut: (server: string, app: string) => boolean;
  /** Whether it takes work; of one that was not counted in, it is not known. */
  readonly isLive: (server: string, app: string) => boolean;
}

export function cellsOf(matrix: ObjectKey, counts: CountsDocument): Cells {
  const known = new Map(
    counts.rows.flatMap(({ id, cells }) =>
      cells.flatMap(({ server, app, available }) =>
        id === `matrix ${matrix} ${app}` ? [[`${nameOf(server)} ${app}`, available] as const] : [],
      ),
    ),
  );
  return {
    isOut: (server, app) => known.get(`${server} ${app}`) === false,
    isLive: (server, app) => known.get(`${server} ${app}`) === true,
  };
}

export interface Other {
  readonly rows: Rows;
  readonly profile: MatrixProfile;
  /** Null: all cells take work. */
  readonly cells: Cells | null;
}

/** By server, what they use together as far as the costs of their apps are known. */
export function usedByAll(others: readonly Other[]): Map<string, Amounts> {
  return addUp(
    others.map(({ rows, profile, cells }) => {
      const live = rows.map(({ server, weights }) => ({
        server,
        weights: weights.filter(({ app }) => cells?.isLive(server, app) ?? true),
      }));
      return usedBy(live, profile);
    }),
  );
}

/** `namespace/` */
export function namespaceOf(key: ObjectKey): string {
  return key.slice(0, key.indexOf('/') + 1);
}

export function nameOf(key: ObjectKey): string {
  return key.slice(key.indexOf('/') + 1);
}
