/** What is made from what: the kinds of values between a cluster's state and its snapshot, in their order. */
import type { AppWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import type { RealServerSpec } from '../api/real-server.ts';
import type { TcpVirtualServerSpec } from '../api/tcp-virtual-server.ts';
import { hashContent, canonicalJson } from '../model/content.ts';
import type { AuthorityPiece, CertificatePiece, ObjectKey, Piece, ServicePiece } from '../model/snapshot.ts';
import type { ObjectStatus } from '../model/status.ts';
import type { CheckCertificates } from './check-certificate.ts';
import type { ListenerClaim } from './claims.ts';
import type { EndpointSliceFacts, NodeFacts, ReferenceGrantFacts, ServiceFacts } from './cluster-facts.ts';
import type { ClusterState, TlsSecret } from './cluster-state.ts';
import type { Reader, Rules } from './graph.ts';
import type { PatternJudgement } from './judge.ts';
import { type Rows, translateMatrix } from './matrices.ts';
import { type References, resolveReferences } from './references.ts';
import { authorityContent, certificateContent, type SecretVerdict, usedBy, verdictOn } from './secrets.ts';
import { factsOf, sameFacts, type ServerFacts, translateServer } from './servers.ts';
import { type ResolvedPort, resolvePort, serviceContent, serviceKeyOf } from './services.ts';
import type { Subject } from './subjects.ts';
import { translateVirtualServer } from './virtual-servers.ts';

/** By kind of value; keys are those of the objects, '' where there is one of the kind. */
export interface Values {
  // from outside
  grants: readonly ReferenceGrantFacts[];
  nodes: ReadonlyMap<string, NodeFacts>;
  node: NodeFacts;
  secret: TlsSecret;
  service: ServiceFacts;
  /** By key of the Service. */
  slices: readonly EndpointSliceFacts[];
  serverSubject: Subject<RealServerSpec>;
  matrixSubject: Subject<AppWeightMatrixSpec>;
  virtualSubject: Subject<TcpVirtualServerSpec>;
  /** Rows of a matrix that are in force. */
  rows: Rows;
  claims: readonly ListenerClaim[];
  // made from those
  verdict: SecretVerdict;
  certificate: CertificatePiece;
  authority: AuthorityPiece;
  /** By `portAsked`. */
  port: ResolvedPort;
  /** By key of the piece. */
  endpoints: ServicePiece;
  facts: ServerFacts;
  columns: ReadonlySet<string>;
  server: Result;
  matrix: Result;
  references: References;
  virtual: Result;
}

/** What an object comes to. */
export interface Result {
  readonly piece: Piece | null;
  readonly status: ObjectStatus;
}

export interface Judges {
  readonly mode: ClusterState['mode'];
  readonly patterns: (spec: TcpVirtualServerSpec) => PatternJudgement;
  readonly certificates: CheckCertificates;
}

export const derivations = ({ mode, patterns, certificates }: Judges): Rules<Values> => ({
  grants: null,
  nodes: null,
  node: null,
  secret: null,
  service: null,
  slices: null,
  serverSubject: null,
  matrixSubject: null,
  virtualSubject: null,
  rows: null,
  claims: null,
  verdict: {
    make: (key, read) => ifThere(read.value('secret', key), (secret) => verdictOn(secret, certificates)),
    same: (a, b) => a.certificate === b.certificate && a.authority === b.authority,
  },
  certificate: {
    make: (key, read) => ifThere(read.value('secret', key), (secret) => named(certificateContent(key, secret))),
    same: sameHash,
  },
  authority: {
    make: (key, read) => ifThere(read.value('secret', key), (secret) => named(authorityContent(key, secret))),
    same: sameHash,
  },
  port: {
    make: (asked, read) => resolvePort(asked, (key) => read.value('service', key)),
    same: sameJson,
  },
  endpoints: {
    make: (piece, read) => {
      const key = serviceKeyOf(piece);
      const slices = read.value('slices', key) ?? [];
      return ifThere(serviceContent(piece, read.value('service', key), slices), named);
    },
    same: sameHash,
  },
  facts: {
    make: (key, read) => ifThere(read.value('serverSubject', key)?.spec, (spec) => factsOf(key, spec)),
    same: sameFacts,
  },
  columns: {
    make: (key, read) =>
      ifThere(read.value('matrixSubject', key)?.spec, ({ apps }) => new Set(apps.map((app) => app.name))),
    same: (a, b) => a.size === b.size && [...a].every((app) => b.has(app)),
  },
  server: {
    make: (key, read) =>
      ifThere(read.value('serverSubject', key), (subject) => {
        const world = {
          mode,
          ...worldOf(read),
          endpoints: (piece: ObjectKey) => read.value('endpoints', piece),
          node: (name: string) => read.value('node', name),
          nodes: () => read.value('nodes', '') ?? new Map<string, NodeFacts>(),
        };
        return toResult(translateServer(subject, world), read);
      }),
    same: sameResult,
  },
  matrix: {
    make: (key, read) =>
      ifThere(read.value('matrixSubject', key), (subject) => {
        const world = { mode, ...worldOf(read), server: (server: ObjectKey) => read.value('facts', server) };
        return toResult(translateMatrix(subject, read.value('rows', key) ?? [], world), read);
      }),
    same: sameResult,
  },
  references: {
    make: (key, read) =>
      ifThere(read.value('virtualSubject', key), ({ spec, namespace }) =>
        spec === null
          ? undefined
          : resolveReferences(spec, namespace, {
              ...worldOf(read),
              server: (server) => read.value('facts', server),
              columns: (matrix) => read.value('columns', matrix),
            }),
      ),
    same: sameJson,
  },
  virtual: {
    make: (key, read) =>
      ifThere(read.value('virtualSubject', key), (subject) => {
        const context = {
          claims: read.value('claims', key) ?? [],
          references: read.value('references', key) ?? NO_REFERENCES,
          refused: subject.spec === null ? NONE_REFUSED : patterns(subject.spec).refused,
        };
        return toResult(translateVirtualServer(subject, context), read);
      }),
    same: sameResult,
  },
});

const NO_REFERENCES: References = { servers: {}, apps: {}, tls: {}, problems: [] };
const NONE_REFUSED: PatternJudgement['refused'] = new Map();

const worldOf = (read: Reader<Values>) => ({
  grants: read.value('grants', '') ?? [],
  verdict: (key: ObjectKey) => read.value('verdict', key),
  port: (asked: string) => read.value('port', asked)!,
});

const ifThere = <T, U>(value: T | null | undefined, make: (value: T) => U): U | undefined =>
  value === undefined || value === null ? undefined : make(value);

/** A piece that is not named by its content yet. */
type Content = Piece extends infer P ? (P extends Piece ? Omit<P, 'hash'> : never) : never;

const named = <C extends Content>(content: C): C & { readonly hash: string } => ({
  ...content,
  hash: hashContent(content),
});

const toResult = (
  { content, status }: { readonly content: Content | null; readonly status: ObjectStatus },
  read: Reader<Values>,
): Result => {
  if (content === null) return { piece: null, status };
  const piece = named(content);
  const { certificates, authorities, services } = usedBy(piece);
  for (const key of certificates) read.need('certificate', key);
  for (const key of authorities) read.need('authority', key);
  for (const key of services) read.need('endpoints', key);
  return { piece, status };
};

function sameHash(a: { readonly hash: string }, b: { readonly hash: string }): boolean {
  return a.hash === b.hash;
}

function sameJson(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

function sameResult(a: Result, b: Result): boolean {
  return a.piece?.hash === b.piece?.hash && sameJson(a.status, b.status);
}
