/** What a virtual server refers to: found or not, with the rule that it concerns. */
import type { TcpVirtualServerSpec } from '../api/tcp-virtual-server.ts';
import type { ListenerTls, ObjectKey } from '../model/snapshot.ts';
import type { Problem } from './conditions.ts';
import type { Finder } from './rules.ts';
import { resolveListenerTls, type SecretWorld } from './secrets.ts';
import { lackOf, type ServerFacts } from './servers.ts';

/** Plain data only: equal references (and an unchanged spec) make an equal piece. */
export interface References {
  /** Per name that is referred to: key and own weight, or null where there is no such real server. */
  readonly servers: Readonly<Record<string, { readonly key: ObjectKey; readonly weight: number } | null>>;
  /** Per app that a rule names: the matrix that has its column. */
  readonly apps: Readonly<Record<string, ObjectKey | null>>;
  /** Per listener of protocol HTTPS; null: it must not be served. */
  readonly tls: Readonly<Record<string, ListenerTls | null>>;
  /** `rule` is null where the problem is the virtual server's own. */
  readonly problems: readonly (Problem & { readonly rule: string | null })[];
}

/** Where a virtual server's references are looked up. */
export interface ReferenceWorld extends Pick<SecretWorld, 'grants' | 'uses'> {
  readonly server: (key: ObjectKey) => ServerFacts | undefined;
  /** Names of a matrix' columns. */
  readonly columns: (matrix: ObjectKey) => ReadonlySet<string> | undefined;
}

export const resolveReferences = (spec: TcpVirtualServerSpec, namespace: string, world: ReferenceWorld): References => {
  const servers: Record<string, { key: ObjectKey; weight: number } | null> = {};
  const apps: Record<string, ObjectKey | null> = {};
  const problems: (Problem & { rule: string | null })[] = [];
  const report = (rule: string | null, problem: Problem): void => {
    const message = rule === null ? problem.message : `rule ${rule}: ${problem.message}`;
    problems.push({ ...problem, message, rule });
  };

  const lookUpServer = (rule: string | null, name: string): void => {
    const key = `${namespace}/${name}`;
    const facts = world.server(key);
    servers[name] = facts === undefined ? null : { key, weight: facts.weight };
    const lack: Problem | null =
      facts === undefined
        ? { reason: 'ServerNotFound', message: `RealServer ${key} does not exist` }
        : lackOf(facts, null);
    if (lack !== null) report(rule, lack);
  };

  const matrices = spec.matrixRefs.flatMap(({ name }) => {
    const key = `${namespace}/${name}`;
    const columns = world.columns(key);
    if (columns === undefined) {
      report(null, { reason: 'MatrixNotFound', message: `AppWeightMatrix ${key} does not exist` });
      return [];
    }
    return [{ key, columns }];
  });

  const lookUpApp = (rule: string, app: string): void => {
    const having = matrices.filter((matrix) => matrix.columns.has(app)).map((matrix) => matrix.key);
    apps[app] = having[0] ?? null;
    if (having.length === 0) {
      const where = spec.matrixRefs.length === 0 ? 'there are no matrixRefs' : 'no matrix of matrixRefs has it';
      report(rule, { reason: 'AppNotFound', message: `app ${app}: ${where}` });
    } else if (having.length > 1) {
      const message = `app ${app} is a column of ${having.join(' and ')}; ${having[0]} serves`;
      report(rule, { reason: 'AmbiguousApp', message });
    }
  };

  for (const { server } of spec.servers) lookUpServer(null, server);
  for (const rule of spec.rules) {
    for (const { server } of rule.servers ?? []) lookUpServer(rule.name, server);
    for (const { mirror } of rule.filters) if (mirror !== undefined) lookUpServer(rule.name, mirror.server);
    if (rule.app !== undefined) lookUpApp(rule.name, rule.app);
  }
  const tls: Record<string, ListenerTls | null> = {};
  const secrets = { ...world, kind: 'TcpVirtualServer' as const, namespace };
  for (const listener of spec.listeners) {
    if (listener.tls === undefined) continue;
    const result = resolveListenerTls(listener.tls, secrets);
    tls[listener.name] = result.tls;
    for (const { reason, message } of result.problems) {
      report(null, { reason, message: `listener ${listener.name}: ${message}` });
    }
  }
  return { servers, apps, tls, problems };
};

export const finderOf = (references: References): Finder => ({
  server: (name) => references.servers[name]?.key ?? null,
  weightOf: (name) => references.servers[name]?.weight ?? 1,
  matrixOf: (app) => references.apps[app] ?? null,
});
