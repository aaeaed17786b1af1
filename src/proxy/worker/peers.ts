/** Peers whose X-Forwarded-* and Forwarded are believed. */
import net from 'node:net';

export class TrustedPeers {
  private readonly list = new net.BlockList();
  private readonly any: boolean;

  /** `networks`: addresses or CIDR. @throws RangeError naming the one that is neither */
  constructor(networks: readonly string[]) {
    this.any = networks.length > 0;
    for (const network of networks) {
      const [address = '', bits] = network.split('/');
      const version = net.isIP(address);
      const prefix = bits === undefined ? (version === 6 ? 128 : 32) : Number(bits);
      if (version === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > (version === 6 ? 128 : 32))
        throw new RangeError(`trusted proxies: read '${network}', expected an address or a network such as 10.0.0.0/8`);
      this.list.addSubnet(address, prefix, version === 6 ? 'ipv6' : 'ipv4');
    }
  }

  has(address: string): boolean {
    if (!this.any) return false;
    const version = net.isIP(address);
    return version !== 0 && this.list.check(address, version === 6 ? 'ipv6' : 'ipv4');
  }
}

/** `::ffff:10.0.0.1` is a client with an IPv4 address. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
