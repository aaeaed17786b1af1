/** What listeners and real servers refer to in Secrets: certificates with their keys, and authorities. */
import type { SecretRef } from '../api/common.ts';
import type { RealServer, TcpVirtualServer } from '../api/parse.ts';
import type { RealServerSpec } from '../api/real-server.ts';
import type { ListenerSpec } from '../api/tcp-virtual-server.ts';
import type { AuthorityPiece, CertificatePiece, ListenerTls, ObjectKey, Piece, ServerTls } from '../model/snapshot.ts';
import type { Kind } from '../model/status.ts';
import type { CheckCertificates } from './check-certificate.ts';
import type { ReferenceGrantFacts } from './cluster-facts.ts';
import type { FormerSecret, TlsSecret } from './cluster-state.ts';
import type { Problem } from './conditions.ts';
import { notPermitted, permits } from './grants.ts';

/** What a Secret is good for; each is either why not, or null. */
export interface SecretVerdict {
  readonly certificate: string | null;
  readonly authority: string | null;
}

export const verdictOn = (secret: TlsSecret, check: CheckCertificates): SecretVerdict => {
  const known = verdicts.get(secret);
  if (known?.check === check) return known.verdict;
  const { certificate, key, ca, fault = secret.denied } = secret;
  const verdict = {
    certificate:
      fault ?? (certificate === null || key === null ? 'has no tls.crt and tls.key' : check.pair(certificate, key)),
    authority: fault ?? (ca === null ? 'has no ca.crt' : check.authorities(ca)),
  };
  verdicts.set(secret, { check, verdict });
  return verdict;
};

/** To judge one costs up to a millisecond, and each is judged by its source too. */
const verdicts = new WeakMap<TlsSecret, { readonly check: CheckCertificates; readonly verdict: SecretVerdict }>();

/** What of a Secret is used: itself where it is good, else what was good before. */
export interface SecretUse {
  /** Why it itself is not; null: it is. */
  readonly fault: string | null;
  /** Nobody knows whether it is: it may not be read. */
  readonly isDenied: boolean;
  readonly from: FormerSecret | null;
}

export interface SecretUses {
  readonly certificate: SecretUse;
  readonly authority: SecretUse;
}

export const usesOf = (secret: TlsSecret, check: CheckCertificates): SecretUses => {
  const { former } = secret;
  const { certificate, authority } = verdictOn(secret, check);
  const hasPair = former !== undefined && former.certificate !== null;
  const hasAuthority = former !== undefined && former.ca !== null;
  const isDenied = secret.denied !== undefined;
  return {
    certificate: { fault: certificate, isDenied, from: certificate === null ? secret : hasPair ? former : null },
    authority: { fault: authority, isDenied, from: authority === null ? secret : hasAuthority ? former : null },
  };
};

export const sameUses = (a: SecretUses, b: SecretUses): boolean =>
  (['certificate', 'authority'] as const).every(
    (use) =>
      a[use].fault === b[use].fault &&
      a[use].isDenied === b[use].isDenied &&
      (a[use].from === null) === (b[use].from === null),
  );

/** Where references are looked up, on behalf of one object. */
export interface SecretWorld {
  readonly kind: Kind;
  readonly namespace: string;
  readonly grants: readonly ReferenceGrantFacts[];
  /** undefined: there is no such Secret (or no such files). */
  readonly uses: (key: ObjectKey) => SecretUses | undefined;
}

/** Under which key a source puts the certificate of two files among the Secrets; no Secret's key has a space. */
export const certificateFileKey = (certificate: string, key: string): ObjectKey => `files ${certificate} ${key}`;

export interface ListenerTlsResult {
  /** null: what is left of it must not serve. */
  readonly tls: ListenerTls | null;
  readonly problems: readonly Problem[];
}

/**
 * The listener's part of the snapshot. It is not served without any certificate, and not without authorities where it
 * asks for them: to ask nobody for a certificate is not what was meant.
 */
export const resolveListenerTls = (tls: NonNullable<ListenerSpec['tls']>, world: SecretWorld): ListenerTlsResult => {
  const problems: Problem[] = [];
  const certificates = [
    ...tls.certificateRefs.flatMap((ref) => lookUp(ref, 'certificate', world, problems)),
    ...tls.certificateFiles.flatMap((files) => lookUpFiles(files, world, problems)),
  ];
  const asked = tls.clientValidation?.caCertificateRefs ?? [];
  const clientCa = asked.flatMap((ref) => lookUp(ref, 'authority', world, problems));
  const lacking = certificates.length === 0 || (asked.length > 0 && clientCa.length === 0);
  return { tls: lacking ? null : { certificates, minVersion: tls.minVersion, clientCa }, problems };
};

export interface ServerTlsResult {
  readonly tls: ServerTls | null;
  readonly problems: readonly Problem[];
}

/** How a real server is spoken to. Where authorities are named and none is there, none is trusted. */
export const resolveServerTls = (spec: RealServerSpec, world: SecretWorld): ServerTlsResult => {
  if (spec.protocol !== 'HTTPS' && spec.protocol !== 'H2') return { tls: null, problems: [] };
  const problems: Problem[] = [];
  const { hostname, caCertificateRefs = [], clientCertificateRef } = spec.tls ?? {};
  const ca = caCertificateRefs.flatMap((ref) => lookUp(ref, 'authority', world, problems));
  const [shown = null] =
    clientCertificateRef === undefined ? [] : lookUp(clientCertificateRef, 'certificate', world, problems);
  const tls = {
    hostname: hostname ?? null,
    ca: caCertificateRefs.length === 0 ? null : ca,
    clientCertificate: shown,
  };
  return { tls, problems };
};

/**
 * Keys of the Secrets that an object refers to and may: what a source has to watch. To have them before the object is
 * translated keeps a listener from being without its certificate for a moment.
 */
export const wantedSecrets = (
  { kind, metadata: { namespace }, spec }: Pick<TcpVirtualServer | RealServer, 'kind' | 'metadata' | 'spec'>,
  grants: readonly ReferenceGrantFacts[],
): ObjectKey[] => {
  const refs = 'listeners' in spec ? spec.listeners.flatMap(refsOfListener) : refsOfServer(spec);
  const world = { kind, namespace };
  return refs.filter((ref) => permits(grants, reference(ref, world))).map((ref) => keyOf(ref, world));
};

const refsOfListener = ({ tls }: ListenerSpec): SecretRef[] =>
  tls === undefined ? [] : [...tls.certificateRefs, ...(tls.clientValidation?.caCertificateRefs ?? [])];

const refsOfServer = ({ tls }: RealServerSpec): SecretRef[] =>
  tls === undefined
    ? []
    : [...tls.caCertificateRefs, ...(tls.clientCertificateRef === undefined ? [] : [tls.clientCertificateRef])];

const lookUp = (ref: SecretRef, use: keyof SecretUses, world: SecretWorld, problems: Problem[]): ObjectKey[] => {
  const key = keyOf(ref, world);
  const asked = reference(ref, world);
  if (!permits(world.grants, asked)) {
    problems.push({ reason: 'RefNotPermitted', message: notPermitted(asked) });
    return [];
  }
  return judged(key, `Secret ${key}`, use, world, problems);
};

const lookUpFiles = (
  { certificate, key }: { readonly certificate: string; readonly key: string },
  world: SecretWorld,
  problems: Problem[],
): ObjectKey[] =>
  judged(certificateFileKey(certificate, key), `files ${certificate} and ${key}`, 'certificate', world, problems);

const judged = (
  key: ObjectKey,
  what: string,
  use: keyof SecretUses,
  world: SecretWorld,
  problems: Problem[],
): ObjectKey[] => {
  const uses = world.uses(key);
  if (uses === undefined) {
    problems.push({ reason: 'CertificateNotFound', message: `${what}: not there` });
    return [];
  }
  const { fault, isDenied, from } = uses[use];
  if (fault === null) return [key];
  if (isDenied) {
    problems.push({ reason: 'SecretNotReadable', message: `${what}: ${fault}` });
    return [];
  }
  const serving = from === null ? '' : '; what was good before keeps serving';
  problems.push({ reason: 'InvalidCertificate', message: `${what}: ${fault}${serving}` });
  return from === null ? [] : [key];
};

const keyOf = (ref: SecretRef, { namespace }: { readonly namespace: string }): ObjectKey =>
  `${ref.namespace ?? namespace}/${ref.name}`;

const reference = (ref: SecretRef, { kind, namespace }: Pick<SecretWorld, 'kind' | 'namespace'>) => ({
  from: { kind, namespace },
  to: { kind: 'Secret' as const, namespace: ref.namespace ?? namespace, name: ref.name },
});

/** Which pieces that no object has a piece refers to. */
export const usedBy = (piece: Piece): UsedPieces => {
  switch (piece.kind) {
    case 'RealServer': {
      const { tls, service } = piece;
      const shown = tls?.clientCertificate ?? null;
      return {
        certificates: shown === null ? [] : [shown],
        authorities: tls?.ca ?? [],
        services: service === null ? [] : [service],
      };
    }
    case 'Matrix':
      return { ...NOTHING, services: piece.columns.flatMap(({ service }) => service ?? []) };
    case 'VirtualServer':
      return {
        certificates: piece.listeners.flatMap(({ tls }) => tls?.certificates ?? []),
        authorities: piece.listeners.flatMap(({ tls }) => tls?.clientCa ?? []),
        services: [],
      };
    case 'Authority':
    case 'Certificate':
    case 'Policy':
    case 'Service':
      return NOTHING;
    default:
      return piece satisfies never;
  }
};

export interface UsedPieces {
  readonly certificates: readonly ObjectKey[];
  readonly authorities: readonly ObjectKey[];
  readonly services: readonly ObjectKey[];
}

const NOTHING: UsedPieces = { certificates: [], authorities: [], services: [] };

/** The pieces of a Secret, as far as they are asked for. */
export const certificateContent = (key: ObjectKey, secret: FormerSecret): Omit<CertificatePiece, 'hash'> => ({
  kind: 'Certificate',
  key,
  certificate: secret.certificate ?? '',
  privateKey: secret.key ?? '',
});

export const authorityContent = (key: ObjectKey, secret: FormerSecret): Omit<AuthorityPiece, 'hash'> => ({
  kind: 'Authority',
  key,
  certificates: secret.ca ?? '',
});
