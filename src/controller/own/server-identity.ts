import type { Authorities } from '../../delivery/certificates/authorities.ts';
import { certificateDue, issueCertificate } from '../../delivery/certificates/issue.ts';
import type { ServerCertificate } from '../../delivery/contract.ts';

export interface ServerIdentityOptions {
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  readonly authorities: () => Authorities;
  /** There is another one now. */
  readonly onRenewed: (certificate: ServerCertificate) => void;
}

const LOOK = 60_000;

/** This replica's certificate, by the installation's authority; its key never leaves the process. */
export class ServerIdentity {
  readonly #options: ServerIdentityOptions;
  readonly #timer: NodeJS.Timeout;
  #issuer: string;
  #certificate: ServerCertificate;

  constructor(options: ServerIdentityOptions) {
    this.#options = options;
    this.#issuer = options.authorities().current.certificate;
    this.#certificate = this.#issue();
    this.#timer = setInterval(() => this.look(), LOOK).unref();
  }

  get certificate(): ServerCertificate {
    return this.#certificate;
  }

  /** Renews it where that is due, or another authority signs now. */
  look(): void {
    const { authorities, onRenewed } = this.#options;
    const issuer = authorities().current.certificate;
    if (issuer === this.#issuer && Date.now() < certificateDue(this.#certificate.certificate).getTime()) return;
    this.#issuer = issuer;
    this.#certificate = this.#issue();
    onRenewed(this.#certificate);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #issue(): ServerCertificate {
    const { names, addresses, authorities } = this.#options;
    return issueCertificate(authorities(), { names, addresses, now: new Date() });
  }
}
