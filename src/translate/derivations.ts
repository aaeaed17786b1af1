/** What is made from what: the kinds of values between a cluster's state and its snapshot, in their order. */
import type { AppWeightMatrixSpec } from '../api/app-weight-matrix.ts';
import type { RealServerSpec } from '../api/real-server.ts';
import type { TcpVirtualServerSpec } from '../api/tcp-virtual-server.ts';
import { AddressPolicy, type Verdict } from '../model/address-policy.ts';
import { canonicalJson, hashContent } from '../model/content.ts';
import type { Rows } from '../model/matrix-rows.ts';
import type {
  AuthorityPiece,
  CertificatePiece,
  ObjectKey,
  Piece,
  PolicyPiece,
  ServicePiece,
} from '../model/snapshot.ts';
import type { ObjectStatus } from '../model/status.ts';
import type { CheckCertificates } from './check-certificate.ts';
import { hostsOf, type ListenerClaim } from './claims.ts';
import {
  type EndpointSliceFacts,
  type NodeFacts,
  openPolicy,
  type Policy,
  type PublishedAddress,
  type ReferenceGrantFacts,
  type ServiceFacts,
} from './cluster-facts.ts';
import type { ClusterState, TlsSecret } from './cluster-state.ts';
import type { Problem } from './conditions.ts';
import type { Reader, Rules } from './graph.ts';
import { hostsNotAllowed } from './host-policy.ts';
import type { PatternJudgement } from './judge.ts';
import { translateMatrix } from './matrices.ts';
import { API_SERVICE, exposureOf, networksOf, POLICY_KEY, policyContent } from './policies.ts';
import { type References, resolveReferences } from './references.ts';
import { authorityContent, certificateContent, sameUses, type SecretUses, usedBy, usesOf } from './secrets.ts';
import { factsOf, sameFacts, type ServerFacts, translateServer } from './servers.ts';
import { type ResolvedPort, resolvePort, serviceContent, serviceKeyOf } from './services.ts';
import type { Subject } from './subjects.ts';
import { translateVirtualServer, type VirtualServerContext } from './virtual-servers.ts';

/** By kind of value; keys are those of the objects, '' where there is one of the kind. */
export interface Values {
  // from outside
  grants: readonly ReferenceGrantFacts[];
  policy: Policy;
  exposedPorts: ReadonlySet<number> | null;
  published: readonly PublishedAddress[];
  serviceRanges: readonly string[];
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
  addressPolicy: PolicyPiece;
  addressJudge: AddressPolicy;
  /** By namespace and host. */
  addressVerdict: Verdict;
  /** By port. */
  exposure: Problem | null;
  /** Of a virtual server. */
  refusedHosts: readonly string[];
  secretUses: SecretUses;
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
  policy: null,
  exposedPorts: null,
  published: null,
  serviceRanges: null,
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
  addressPolicy: {
    make: (_, read) => {
      const api = { service: read.value('service', API_SERVICE), slices: read.value('slices', API_SERVICE) ?? [] };
      const networks = networksOf(read.value('nodes', '') ?? NO_NODES, read.value('serviceRanges', '') ?? [], api);
      return named(policyContent(read.value('policy', '') ?? openPolicy, networks));
    },
    same: sameHash,
  },
  addressJudge: {
    make: (_, read) => {
      const { rules, networks } = read.value('addressPolicy', POLICY_KEY)!;
      return new AddressPolicy(rules, { ...networks, proxy: [] });
    },
  },
  addressVerdict: {
    make: (key, read) => {
      const [namespace = '', host = ''] = key.split(' ');
      return read.value('addressJudge', '')!.judgeGiven(namespace, host);
    },
    same: sameJson,
  },
  exposure: {
    make: (port, read) => exposureOf(Number(port), read.value('exposedPorts', '') ?? null),
    same: sameJson,
  },
  refusedHosts: {
    make: (key, read) =>
      ifThere(read.value('virtualSubject', key), ({ spec, namespace }) =>
        hostsNotAllowed(spec === null ? [] : hostsOf(spec), namespace, read.value('policy', '')?.hostPolicy ?? []),
      ),
    same: sameJson,
  },
  secretUses: {
    make: (key, read) => ifThere(read.value('secret', key), (secret) => usesOf(secret, certificates)),
    same: sameUses,
  },
  certificate: {
    make: (key, read) =>
      ifThere(read.value('secret', key), (secret) =>
        ifThere(usesOf(secret, certificates).certificate.from, (from) => named(certificateContent(key, from))),
      ),
    same: sameHash,
  },
  authority: {
    make: (key, read) =>
      ifThere(read.value('secret', key), (secret) =>
        ifThere(usesOf(secret, certificates).authority.from, (from) => named(authorityContent(key, from))),
      ),
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
          nodes: () => read.value('nodes', '') ?? NO_NODES,
          judgeAddress: (namespace: string, host: string) => read.value('addressVerdict', `${namespace} ${host}`)!,
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
        const { spec, namespace } = subject;
        const address = spec?.redirect?.address;
        const judge = (host: string) =>
          mode === 'Standalone' ? { ok: true as const, host } : read.value('addressVerdict', `${namespace} ${host}`)!;
        const context: VirtualServerContext = {
          claims: read.value('claims', key) ?? [],
          references: read.value('references', key) ?? NO_REFERENCES,
          refused: spec === null ? NONE_REFUSED : patterns(spec).refused,
          refusedHosts: read.value('refusedHosts', key) ?? [],
          exposure: (port) => read.value('exposure', String(port)) ?? null,
          redirect: address === undefined ? null : judge(address),
          guard: mode === 'Standalone' ? null : namespace,
          addresses: read.value('published', '') ?? [],
        };
        return toResult(translateVirtualServer(subject, context), read);
      }),
    same: sameResult,
  },
});

const NO_NODES: ReadonlyMap<string, NodeFacts> = new Map();
const NO_REFERENCES: References = { servers: {}, apps: {}, tls: {}, problems: [] };
const NONE_REFUSED: PatternJudgement['refused'] = new Map();

const worldOf = (read: Reader<Values>) => ({
  grants: read.value('grants', '') ?? [],
  uses: (key: ObjectKey) => read.value('secretUses', key),
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
