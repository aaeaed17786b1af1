/** IP addresses and networks as bytes, with all the ways in which one address can be written or wrapped into another. */

/** 16 bytes; an IPv4 address is the IPv4-mapped one of IPv6, so that both compare. */
export type IpAddress = Uint8Array;

export interface Network {
  readonly address: IpAddress;
  /** 0 … 128, of the 16 bytes. */
  readonly bits: number;
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/**
 * The address that a host stands for, however it is written; null where it is a name. Brackets, a zone and a final dot are
 * left aside. Of IPv4 all that the C library takes is read: fewer than four numbers, octal and hexadecimal ones
 * (inet_aton), because a resolver turns them into addresses just as well.
 */
export const readHost = (host: string): IpAddress | null => {
  const text = host.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  return text.includes(':') ? parseV6(text) : parseLooseV4(text.replace(/\.$/, ''));
};

/** An address in its usual text (RFC 4291; IPv4 of four decimal numbers); null where it is none. */
export const parseIp = (text: string): IpAddress | null => (text.includes(':') ? parseV6(text) : parseV4(text));

/** `10.0.0.0/8`, `fd00::/8`, or one address; null where it is none. Bits beyond the prefix are ignored. */
export const parseNetwork = (text: string): Network | null => {
  const [, base, prefix] = /^([^/]+)(?:\/(0|[1-9][0-9]{0,2}))?$/.exec(text) ?? [];
  const address = base === undefined ? null : parseIp(base);
  if (base === undefined || address === null) return null;
  const width = base.includes(':') ? 128 : 32;
  const bits = prefix === undefined ? width : Number(prefix);
  return bits > width ? null : { address, bits: bits + 128 - width };
};

export const isV4 = (address: IpAddress): boolean => MAPPED.every((byte, index) => address[index] === byte);

/** 0.0.0.0 or ::, which stand for oneself where they are connected to. */
export const isAny = (address: IpAddress): boolean => ['0.0.0.0', '::'].includes(formatIp(address));

export const isLoopback = (address: IpAddress): boolean =>
  isV4(address) ? address[12] === 127 : formatIp(address) === '::1';

/** Whether the address lies in the network. `::/0` is all of IPv6 and has nothing of IPv4. */
export const contains = ({ address, bits }: Network, other: IpAddress): boolean => {
  const whole = bits >> 3;
  for (let index = 0; index < whole; index++) if (address[index] !== other[index]) return false;
  const rest = bits & 7;
  if (rest > 0 && (address[whole]! ^ other[whole]!) >> (8 - rest) !== 0) return false;
  return bits >= 96 || isV4(other) === isV4(address);
};

/** Whether all of the inner network lies in the outer one. */
export const includes = (outer: Network, inner: Network): boolean =>
  inner.bits >= outer.bits && contains(outer, inner.address);

/** As in RFC 5952; IPv4 in four decimal numbers. */
export const formatIp = (address: IpAddress): string => {
  if (isV4(address)) return address.slice(12).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => (address[2 * index]! << 8) | address[2 * index + 1]!);
  const [start, length] = longestZeros(groups);
  const texts = groups.map((group) => group.toString(16));
  if (length < 2) return texts.join(':');
  return `${texts.slice(0, start).join(':')}::${texts.slice(start + length).join(':')}`;
};

/** `address/bits`, the bits beyond the prefix as they are, or cleared. */
export const formatNetwork = ({ address, bits }: Network, cleared: boolean): string => {
  const bytes = address.map((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - 8 * index));
    return cleared ? byte & (0xff << (8 - kept)) : byte;
  });
  return isV4(address) && bits >= 96 ? `${formatIp(bytes)}/${bits - 96}` : `${formatIp(bytes)}/${bits}`;
};

/**
 * IPv4 addresses that an IPv6 address carries for a translator or tunnel: IPv4-compatible and SIIT (RFC 4291, 7915), NAT64
 * (RFC 6052, 8215), 6to4 (RFC 3056), Teredo (RFC 4380), ISATAP (RFC 5214).
 */
export const carriedV4 = (address: IpAddress): IpAddress[] => {
  if (isV4(address)) return [];
  const at = (...indices: number[]): IpAddress => v4(indices.map((index) => address[index]!));
  const last = [12, 13, 14, 15];
  const inIt = (network: Network) => contains(network, address);
  if (inIt(COMPATIBLE) || inIt(SIIT) || inIt(NAT64)) return [at(...last)];
  if (inIt(LOCAL_NAT64)) return [at(...last), at(6, 7, 9, 10)];
  if (inIt(SIX_TO_FOUR)) return [at(2, 3, 4, 5)];
  if (inIt(TEREDO)) return [at(4, 5, 6, 7), v4(last.map((index) => address[index]! ^ 0xff))];
  const isIsatap = (address[8]! & 0xfd) === 0 && address[9] === 0 && address[10] === 0x5e && address[11] === 0xfe;
  return isIsatap ? [at(...last)] : [];
};

const v4 = (bytes: readonly number[]): IpAddress => Uint8Array.from([...MAPPED, ...bytes]);

const parseV4 = (text: string): IpAddress | null => {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part))) return null;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? v4(bytes) : null;
};

/** One to four numbers, each decimal, octal (0…) or hexadecimal (0x…); the last one fills all bytes that are left. */
const parseLooseV4 = (text: string): IpAddress | null => {
  const parts = text.split('.');
  const numbers = parts.map(looseNumber);
  const last = numbers.at(-1);
  if (parts.length > 4 || last === undefined || numbers.includes(NaN)) return null;
  const leading = numbers.slice(0, -1);
  const left = 4 - leading.length;
  if (leading.some((number) => number > 255) || last >= 256 ** left) return null;
  const rest = Array.from({ length: left }, (_, index) => Math.floor(last / 256 ** (left - 1 - index)) % 256);
  return v4([...leading, ...rest]);
};

const looseNumber = (part: string): number => {
  if (/^0[xX][0-9a-fA-F]+$/.test(part)) return Number.parseInt(part.slice(2), 16);
  if (/^0[0-7]*$/.test(part)) return Number.parseInt(part, 8);
  return /^[1-9][0-9]*$/.test(part) ? Number(part) : NaN;
};

const parseV6 = (text: string): IpAddress | null => {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half, index) => groupBytes(half, index === halves.length - 1));
  if (head === undefined || head === null || tail === null) return null;
  const missing = 16 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 2) return null;
  return Uint8Array.from([...head, ...Array.from({ length: missing }, () => 0), ...(tail ?? [])]);
};

/** `mayEnd`: the last group may be an IPv4 address. */
const groupBytes = (text: string, mayEnd: boolean): number[] | null => {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    if (mayEnd && index === groups.length - 1 && group.includes('.')) {
      const embedded = parseV4(group);
      if (embedded === null) return null;
      bytes.push(...embedded.slice(12));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else return null;
  }
  return bytes;
};

/** Where the longest run of zeros begins, and how long it is. */
const longestZeros = (groups: readonly number[]): [start: number, length: number] => {
  let best: [number, number] = [0, 0];
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best[1]) best = [start, length];
  }
  return best;
};

const network = (text: string): Network => {
  const parsed = parseNetwork(text);
  if (parsed === null) throw new Error(`no network: ${text}`);
  return parsed;
};

const COMPATIBLE = network('::/96');
const SIIT = network('::ffff:0:0:0/96');
const NAT64 = network('64:ff9b::/96');
const LOCAL_NAT64 = network('64:ff9b:1::/48');
const SIX_TO_FOUR = network('2002::/16');
const TEREDO = network('2001::/32');
