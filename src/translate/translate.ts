/** ClusterState → snapshot and statuses: pure, total, and cheap where little has changed. */
import type { AppWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import type { TcpVirtualServerSpec } from '../api/tcp-virtual-server.ts';
import { snapshotId } from '../model/content.ts';
import type { ObjectKey, Piece, Snapshot } from '../model/snapshot.ts';
import type { ObjectStatus } from '../model/status.ts';
import { type CheckCertificates, checkCertificates as byLibrary } from './check-certificate.ts';
import { askedBy, type Claimant, settleClaims } from './claims.ts';
import type { ClusterState, LastGood, TlsSecret } from './cluster-state.ts';
import type { Problem } from './conditions.ts';
import { type Directory, makeDirectory } from './directory.ts';
import { type CheckPattern, judgeListeners, judgePatterns, type PatternJudgement } from './judge.ts';
import { rowsInForce, translateMatrix } from './matrices.ts';
import { Memory, type Result, sameJson } from './memory.ts';
import { resolveReferences } from './references.ts';
import { authorityContent, certificateContent, type SecretVerdict, usedBy, verdictOn } from './secrets.ts';
import { translateServer } from './servers.ts';
import { goodSpecs, type Subject, subjectsOf } from './subjects.ts';
import { translateVirtualServer, type VirtualServerContext } from './virtual-servers.ts';

export interface TranslateOptions {
  readonly checkPattern: CheckPattern;
  /** Default: by node:crypto. */
  readonly checkCertificates?: CheckCertificates;
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
  const { checkPattern, previous, checkCertificates = byLibrary } = options;
  const memory = new Memory(previous);
  const patterns = (spec: TcpVirtualServerSpec): PatternJudgement =>
    memory.judged(spec, checkPattern, () => judgePatterns(spec, checkPattern));
  const judge = (spec: TcpVirtualServerSpec): readonly Problem[] => [
    ...judgeListeners(spec, mode),
    ...patterns(spec).faults,
  ];
  const servers = subjectsOf(state, 'RealServer', state.realServers, lastGood.realServers, noFaults);
  const matrices = subjectsOf(state, 'AppWeightMatrix', state.matrices, lastGood.matrices, noFaults);
  const virtuals = subjectsOf(state, 'TcpVirtualServer', state.virtualServers, lastGood.virtualServers, judge);

  const judgeSecret = (secret: TlsSecret): SecretVerdict =>
    memory.judged(secret, checkCertificates, () => verdictOn(secret, checkCertificates));
  const directory = makeDirectory(servers, matrices, state, judgeSecret, memory);
  const secrets = { grants: directory.grants, verdict: (key: ObjectKey) => directory.secrets.get(key) };
  const results: Result[] = [
    ...matrices.map((subject) => translateOneMatrix(subject, state, directory, memory)),
    ...servers.map((subject) => {
      const inputs = subject.spec?.protocol === 'HTTPS' ? [mode, directory.grants, directory.secrets] : [mode];
      return memory.result(subject, inputs, () => translateServer(subject, mode, secrets));
    }),
    ...translateVirtuals(virtuals, patterns, directory, memory),
  ];
  const inOrder = results.toSorted((a, b) => byKindAndKey(a.status, b.status));
  const pieces = inOrder.flatMap(({ piece }) => (piece === null ? [] : [piece]));
  const snapshot = assemble([...secretPieces(pieces, state.secrets, memory), ...pieces], previous);
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
  { servers }: Directory,
  memory: Memory,
): Result => {
  const { spec, namespace } = subject;
  const object = state.matrices.get(subject.key);
  const rows = spec === null ? [] : rowsInForce(spec, object?.spec === spec ? object.status : undefined);
  const known = rows.map(({ server }) => servers.get(`${namespace}/${server}`));
  return memory.result(subject, [rows, ...known], () => translateMatrix(subject, rows, servers));
};

const translateVirtuals = (
  subjects: readonly Subject<TcpVirtualServerSpec>[],
  patterns: (spec: TcpVirtualServerSpec) => PatternJudgement,
  directory: Directory,
  memory: Memory,
): Result[] => {
  const claims = claimsOf(subjects, memory);
  return subjects.map((subject) => {
    const { key, spec, namespace } = subject;
    if (spec === null) return memory.result(subject, [], () => translateVirtualServer(subject, nothing));
    const own = claims.get(key) ?? nothing.claims;
    const context = {
      claims: memory.derived('claims', key, [own], () => own, sameJson),
      references: memory.derived(
        'references',
        key,
        [spec, directory],
        () => resolveReferences(spec, namespace, directory),
        sameJson,
      ),
      refused: patterns(spec).refused,
    };
    const inputs = [context.claims, context.references];
    return memory.result(subject, inputs, () => translateVirtualServer(subject, context));
  });
};

const nothing: VirtualServerContext = {
  claims: [],
  references: { servers: {}, apps: {}, tls: {}, problems: [] },
  refused: new Map(),
};

/** Claims are settled anew where somebody asks for other listeners or hosts, not where a weight or a path changes. */
const claimsOf = (
  subjects: readonly Subject<TcpVirtualServerSpec>[],
  memory: Memory,
): ReturnType<typeof settleClaims> => {
  const claimants = subjects.flatMap(({ key, spec }): Claimant[] =>
    spec === null || spec.suspend
      ? []
      : [{ key, asked: memory.derived('asked', key, [spec], () => askedBy(spec), sameJson) }],
  );
  const inputs = claimants.flatMap(({ key, asked }) => [key, asked]);
  return memory.derived('settled', '', inputs, () => settleClaims(claimants));
};

/** A real server or matrix that parses is right in itself. */
const noFaults = (): readonly Problem[] => [];

/** The kinds' names and those of their pieces have the same order. */
const byKindAndKey = (a: ObjectStatus, b: ObjectStatus): number => {
  if (a.kind !== b.kind) return a.kind < b.kind ? -1 : 1;
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
};

/** Pieces of the Secrets that others refer to. Their kinds come before all others. */
const secretPieces = (pieces: readonly Piece[], secrets: ClusterState['secrets'], memory: Memory): Piece[] => {
  const used = pieces.map(usedBy);
  const make = (keys: readonly ObjectKey[], content: typeof certificateContent | typeof authorityContent): Piece[] =>
    [...new Set(keys)].toSorted().flatMap((key) => {
      const secret = secrets.get(key);
      return secret === undefined ? [] : [memory.piece(content(key, secret), [secret])];
    });
  return [
    ...make(
      used.flatMap((each) => each.authorities),
      authorityContent,
    ),
    ...make(
      used.flatMap((each) => each.certificates),
      certificateContent,
    ),
  ];
};

const assemble = (pieces: readonly Piece[], previous: Snapshot | undefined): Snapshot => {
  const id = snapshotId(pieces);
  return previous?.id === id ? previous : { id, pieces };
};
