/** ClusterState → snapshot and statuses: pure, total, and cheap where little has changed. */
import type { AppWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import type { TcpVirtualServerSpec } from '../api/tcp-virtual-server.ts';
import type { ObjectKey, Snapshot } from '../model/snapshot.ts';
import type { ObjectStatus } from '../model/status.ts';
import { type Claimant, settleClaims } from './claims.ts';
import type { ClusterState, LastGood } from './cluster-state.ts';
import type { Problem } from './conditions.ts';
import { hashText } from './content.ts';
import { type CheckPattern, judgeListeners, judgePatterns } from './judge.ts';
import { rowsInForce, translateMatrix } from './matrices.ts';
import { Memory, type Result } from './memory.ts';
import { type Directory, resolveReferences } from './references.ts';
import { factsOf, type ServerFacts, translateServer } from './servers.ts';
import { goodSpecs, type Subject, subjectsOf } from './subjects.ts';
import { translateVirtualServer } from './virtual-servers.ts';

export interface TranslateOptions {
  readonly checkPattern: CheckPattern;
  /** The snapshot before: what did not change is the same object (===) in the new one, the snapshot itself too. */
  readonly previous?: Snapshot;
}

export interface Translation {
  readonly snapshot: Snapshot;
  /** In order of kind, then key. */
  readonly statuses: readonly ObjectStatus[];
  /** For the next state's `lastGood`. */
  readonly lastGood: LastGood;
}

/** Translates; never throws, whatever objects the state has. */
export const translate = (state: ClusterState, options: TranslateOptions): Translation => {
  const { lastGood, mode } = state;
  const { checkPattern, previous } = options;
  const memory = new Memory(previous);
  const judge = (spec: TcpVirtualServerSpec): readonly Problem[] => {
    const patterns = memory.judged(spec, checkPattern, () => judgePatterns(spec, checkPattern));
    return [...judgeListeners(spec, mode), ...patterns];
  };
  const servers = subjectsOf(state, 'RealServer', state.realServers, lastGood.realServers, noFaults);
  const matrices = subjectsOf(state, 'AppWeightMatrix', state.matrices, lastGood.matrices, noFaults);
  const virtuals = subjectsOf(state, 'TcpVirtualServer', state.virtualServers, lastGood.virtualServers, judge);

  const facts = new Map<ObjectKey, ServerFacts>(
    servers.flatMap(({ key, spec }) => (spec === null ? [] : [[key, factsOf(key, spec)] as const])),
  );
  const directory: Directory = { servers: facts, matrices: goodSpecs(matrices), secrets: state.secrets };
  const results: Result[] = [
    ...matrices.map((subject) => translateOneMatrix(subject, state, facts, memory)),
    ...servers.map((subject) => memory.remembered(subject, mode, [], () => translateServer(subject, mode))),
    ...translateVirtuals(virtuals, directory, memory),
  ];
  const inOrder = results.toSorted((a, b) => byKindAndKey(a.status, b.status));
  const snapshot = assemble(inOrder, previous);
  memory.keepFor(snapshot);
  return {
    snapshot,
    statuses: inOrder.map((each) => each.status),
    lastGood: {
      virtualServers: goodSpecs(virtuals),
      realServers: goodSpecs(servers),
      matrices: goodSpecs(matrices),
    },
  };
};

const translateOneMatrix = (
  subject: Subject<AppWeightMatrixSpec>,
  state: ClusterState,
  facts: ReadonlyMap<ObjectKey, ServerFacts>,
  memory: Memory,
): Result => {
  const { spec, namespace } = subject;
  const object = state.matrices.get(subject.key);
  const rows = spec === null ? [] : rowsInForce(spec, object?.spec === spec ? object.status : undefined);
  const known = rows.map(({ server }) => facts.get(`${namespace}/${server}`) ?? null);
  const context = known.map((each) => (each === null ? null : [each.kind, each.anyApp, [...each.apps]]));
  return memory.remembered(subject, JSON.stringify(context), [rows], () => translateMatrix(subject, rows, facts));
};

const translateVirtuals = (
  subjects: readonly Subject<TcpVirtualServerSpec>[],
  directory: Directory,
  memory: Memory,
): Result[] => {
  const claimants = subjects.flatMap(({ key, spec }): Claimant[] =>
    spec === null || spec.suspend ? [] : [{ key, spec }],
  );
  const claims = settleClaims(claimants);
  return subjects.map((subject) => {
    const { key, spec, namespace } = subject;
    const context = {
      claims: claims.get(key) ?? [],
      references:
        spec === null ? { servers: {}, apps: {}, problems: [] } : resolveReferences(spec, namespace, directory),
    };
    return memory.remembered(subject, JSON.stringify(context), [], () => translateVirtualServer(subject, context));
  });
};

/** A real server or matrix that parses is right in itself. */
const noFaults = (): readonly Problem[] => [];

/** The kinds' names and those of their pieces have the same order. */
const byKindAndKey = (a: ObjectStatus, b: ObjectStatus): number => {
  if (a.kind !== b.kind) return a.kind < b.kind ? -1 : 1;
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
};

const assemble = (results: readonly Result[], previous: Snapshot | undefined): Snapshot => {
  const pieces = results.flatMap(({ piece }) => (piece === null ? [] : [piece]));
  const id = hashText(pieces.map(({ kind, key, hash }) => `${kind} ${key} ${hash}\n`).join(''));
  return previous?.id === id ? previous : { id, pieces };
};
