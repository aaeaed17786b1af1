/** Certificates of a listener: which one is shown to whom, and which clients have to show one. */
import type { SecureContext } from 'node:tls';

import type { AuthorityPiece, CertificatePiece, ListenerTls } from '../../model/snapshot.ts';
import { readNames } from '../../tls/certificate.ts';
import { authorityId, clientContext } from './client-contexts.ts';
import type { Credentials } from './credentials.ts';
import type { TicketKeys } from './ticket-keys.ts';

/** One virtual server on one HTTPS listener. Made anew where its certificates change; what is made already stays. */
export class TlsSite {
  /** Names the authorities that clients' certificates must be signed by; '' = clients are not asked for one. */
  readonly authority: string;
  private readonly certificates: readonly CertificatePiece[];
  private readonly authorities: readonly AuthorityPiece[] | null;
  private readonly minVersion: ListenerTls['minVersion'];
  private readonly tickets: TicketKeys;
  /** By what `choose` answers. */
  private readonly contexts = new Map<readonly number[], SecureContext>();
  /** Made when the first client comes: a configuration may have thousands. */
  private names: ReadonlyMap<string, readonly number[]> | null = null;

  constructor(tls: ListenerTls, credentials: Credentials, tickets: TicketKeys) {
    this.certificates = credentials.certificatesOf(tls.certificates);
    this.authorities = tls.clientCa.length === 0 ? null : credentials.authoritiesOf(tls.clientCa);
    this.authority = authorityId(this.authorities);
    this.minVersion = tls.minVersion;
    this.tickets = tickets;
  }

  /** Equal for equal sites: what they are made from, by its hashes. */
  static identity(tls: ListenerTls, credentials: Credentials): string {
    return JSON.stringify([
      tls.minVersion,
      tls.clientCa.length,
      hashesOf(credentials.certificatesOf(tls.certificates)),
      hashesOf(credentials.authoritiesOf(tls.clientCa)),
    ]);
  }

  /** For a client that asks for `name` (lower case; '' = none). Null: there is no certificate at all. Errors: OpenSSL's. */
  contextFor(name: string): SecureContext | null {
    const chosen = this.choose(name);
    if (chosen.length === 0) return null;
    let context = this.contexts.get(chosen);
    if (context === undefined) {
      context = clientContext({
        certificates: chosen.map((index) => this.certificates[index]!),
        minVersion: this.minVersion,
        authorities: this.authorities,
      });
      this.tickets.attach(context);
      this.contexts.set(chosen, context);
    }
    return context;
  }

  /** Exact names before wildcards, and one certificate of each kind of key; where none fits, the first one. */
  private choose(name: string): readonly number[] {
    this.names ??= this.index();
    const dot = name.indexOf('.');
    return (
      this.names.get(name) ??
      (dot < 0 ? undefined : this.names.get(`*${name.slice(dot)}`)) ??
      (this.certificates.length === 0 ? NONE : FIRST)
    );
  }

  private index(): ReadonlyMap<string, readonly number[]> {
    const names = new Map<string, number[]>();
    const kinds = this.certificates.map(({ certificate }) => readNames(certificate));
    for (const [index, facts] of kinds.entries()) {
      for (const name of facts.names) {
        const known = names.get(name);
        if (known === undefined) names.set(name, [index]);
        else if (known.every((other) => kinds[other]!.keyType !== facts.keyType)) known.push(index);
      }
    }
    return names;
  }
}

const NONE: readonly number[] = [];
const FIRST: readonly number[] = [0];

const hashesOf = (pieces: readonly { readonly hash: string }[]): string[] => pieces.map(({ hash }) => hash);
