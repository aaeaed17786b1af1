/** All that a virtual server can refer to; the same object as long as nothing of it has changed. */
import type { AppWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import type { RealServerSpec } from '../api/real-server.ts';
import type { ObjectKey } from '../model/snapshot.ts';
import type { ReferenceGrantFacts } from './cluster-facts.ts';
import type { ClusterState, TlsSecret } from './cluster-state.ts';
import type { Memory } from './memory.ts';
import type { SecretVerdict } from './secrets.ts';
import { factsOf, type ServerFacts } from './servers.ts';
import type { Subject } from './subjects.ts';

export interface Directory {
  readonly servers: ReadonlyMap<ObjectKey, ServerFacts>;
  /** Names of the columns, per matrix: a changed weight changes nothing here. */
  readonly matrices: ReadonlyMap<ObjectKey, ReadonlySet<string>>;
  /** What the Secrets that there are serve for. */
  readonly secrets: ReadonlyMap<ObjectKey, SecretVerdict>;
  readonly grants: readonly ReferenceGrantFacts[];
}

export const makeDirectory = (
  servers: readonly Subject<RealServerSpec>[],
  matrices: readonly Subject<AppWeightMatrixSpec>[],
  state: ClusterState,
  judgeSecret: (secret: TlsSecret) => SecretVerdict,
  memory: Memory,
): Directory => {
  const facts = servers.flatMap(({ key, spec }): [ObjectKey, ServerFacts][] =>
    spec === null ? [] : [[key, memory.derived('facts', key, [spec], () => factsOf(key, spec), sameFacts)]],
  );
  const columns = matrices.flatMap(({ key, spec }): [ObjectKey, ReadonlySet<string>][] =>
    spec === null ? [] : [[key, memory.derived('columns', key, [spec], () => columnsOf(spec), sameSets)]],
  );
  const secrets = [...state.secrets].map(([key, secret]): [ObjectKey, SecretVerdict] => [
    key,
    memory.derived('verdict', key, [secret], () => judgeSecret(secret), sameVerdict),
  ]);
  const grants = state.cluster?.grants ?? NO_GRANTS;
  const inputs = [grants, secrets.length, ...secrets.flat(), facts.length, ...facts.flat(), ...columns.flat()];
  return memory.derived('directory', '', inputs, () => ({
    servers: new Map(facts),
    matrices: new Map(columns),
    secrets: new Map(secrets),
    grants,
  }));
};

const NO_GRANTS: readonly ReferenceGrantFacts[] = [];

const sameVerdict = (a: SecretVerdict, b: SecretVerdict): boolean =>
  a.certificate === b.certificate && a.authority === b.authority;

const columnsOf = (spec: AppWeightMatrixSpec): ReadonlySet<string> => new Set(spec.apps.map((app) => app.name));

const sameSets = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((each) => b.has(each));

const sameFacts = (a: ServerFacts, b: ServerFacts): boolean =>
  a.key === b.key && a.weight === b.weight && a.kind === b.kind && a.anyApp === b.anyApp && sameSets(a.apps, b.apps);
