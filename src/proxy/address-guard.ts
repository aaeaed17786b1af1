/**
 * Judges what is connected to, by the policy of the snapshot, after names have been resolved; the connection goes to the
 * very address that was judged. What is given as an address was judged when it was translated, too, but not against the
 * proxy's own addresses, which only the proxy knows. Its own admin API is nobody's endpoint, wherever that comes from.
 */
import dns from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';

import { AddressPolicy } from '../model/address-policy.ts';
import { formatIp, isAny, isLoopback, parseIp } from '../model/ip-address.ts';
import type { HostPort, PolicyPiece } from '../model/snapshot.ts';

/** Of the error with which a connection fails that must not be made. */
export const FORBIDDEN = 'EADDRFORBIDDEN';

export interface ConnectTo {
  readonly host: string;
  readonly port: number;
  readonly lookup?: LookupFunction;
}

export class AddressGuard {
  readonly #resolve: typeof dns.lookup;
  readonly #admin: HostPort | null;
  #piece: PolicyPiece | null = null;
  #policy: AddressPolicy | null = null;

  /**
   * @param admin where this process' own admin API listens; null: nowhere
   * @param resolve as dns.lookup, which asks what the system asks
   */
  constructor(admin: HostPort | null = null, resolve: typeof dns.lookup = dns.lookup) {
    this.#admin = admin;
    this.#resolve = resolve;
  }

  get piece(): PolicyPiece | null {
    return this.#piece;
  }

  /** From now on. null: nothing that is guarded is connected to. @returns whether it is another than before */
  set(piece: PolicyPiece | null): boolean {
    if (piece?.hash === this.#piece?.hash) return false;
    this.#piece = piece;
    this.#policy = piece === null ? null : new AddressPolicy(piece.rules, { ...piece.networks, proxy: ownAddresses() });
    return true;
  }

  /** Options for net.connect. `guard`: whose policy it is; null: nobody's. */
  connectTo({ address, port, guard }: { address: string; port: number; guard: string | null }): ConnectTo {
    if (guard === null && port !== this.#admin?.port) return { host: address, port };
    if (isIP(address) === 0) return { host: address, port, lookup: this.#lookup(guard, port) };
    const why = this.#judge(guard, address, port);
    // net.connect asks nobody about addresses, so that this one stands as a name.
    return why === null ? { host: address, port } : { host: 'forbidden.invalid', port, lookup: failing(why) };
  }

  #judge(guard: string | null, address: string, port: number): string | null {
    if (this.#admin?.port === port && isOwn(address, this.#admin.address)) {
      return `${address} port ${port} is the proxy's own admin API`;
    }
    if (guard === null) return null;
    if (this.#policy === null) return `${address}: no policy is known`;
    return this.#policy.judgeFound(guard, address);
  }

  #lookup(guard: string | null, port: number): LookupFunction {
    return (hostname, options, callback) => {
      this.#resolve(hostname, { ...options, all: true }, (error, found) => {
        if (error !== null) {
          callback(error, '');
          return;
        }
        const judged = found.map((each) => ({ each, why: this.#judge(guard, each.address, port) }));
        const allowed = judged.flatMap(({ each, why }) => (why === null ? [each] : []));
        const [first] = allowed;
        if (first === undefined) callback(forbidden(`${hostname}: ${judged[0]?.why ?? 'no address'}`), '');
        else if (options.all === true) callback(null, allowed);
        else callback(null, first.address, first.family);
      });
    };
  }
}

const failing =
  (why: string): LookupFunction =>
  (_, __, callback) => {
    process.nextTick(callback, forbidden(why), '');
  };

const forbidden = (message: string): NodeJS.ErrnoException => Object.assign(new Error(message), { code: FORBIDDEN });

/** Whether a connection to `address` could reach what listens on `listening`. */
const isOwn = (address: string, listening: string): boolean => {
  const [target, own] = [parseIp(address.replace(/%.*$/, '')), parseIp(listening)];
  if (target === null || own === null) return false;
  // To connect to "any" address is to connect to oneself.
  if (isAny(own)) return isAny(target) || isLoopback(target) || ownAddresses().includes(formatIp(target));
  return formatIp(target) === formatIp(own) || (isAny(target) && isLoopback(own));
};

/** The loopback ones are nobody's anyway, and an operator may allow them. */
const ownAddresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .flatMap(({ address, internal }) => (internal ? [] : [address.replace(/%.*$/, '')]));
