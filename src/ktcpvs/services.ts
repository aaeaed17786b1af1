/** Service names and ports, as the system's services file has them (TCP), with the usual ones built in. */

export interface Services {
  /** Lower-case name or alias → port. */
  readonly ports: ReadonlyMap<string, number>;
  /** Port → name. */
  readonly names: ReadonlyMap<number, string>;
}

/** IANA's names, with the aliases that people type. */
const USUAL = `
ftp 21/tcp
ssh 22/tcp
telnet 23/tcp
smtp 25/tcp mail
domain 53/tcp
http 80/tcp www
pop3 110/tcp
imap2 143/tcp imap
ldap 389/tcp
https 443/tcp
ldaps 636/tcp
imaps 993/tcp
pop3s 995/tcp
mysql 3306/tcp
postgresql 5432/tcp postgres
amqp 5672/tcp
http-alt 8080/tcp webcache
`;

/**
 * Reads the text of a services file: `name port/tcp alias…`. Lines that do not look like it, and other protocols, are
 * skipped, as every reader of that file does. What it does not name comes from the built-in table.
 */
export function parseServices(text: string): Services {
  const ports = new Map<string, number>();
  const names = new Map<number, string>();
  for (const line of `${text}\n${USUAL}`.split('\n')) {
    const [name, number, ...aliases] = (line.split('#')[0] ?? '').trim().split(/\s+/);
    const found = /^(\d{1,5})\/tcp$/.exec(number ?? '');
    const port = Number(found?.[1]);
    if (name === undefined || found === null || port < 1 || port > 65_535) continue;
    for (const each of [name, ...aliases]) {
      if (!ports.has(each.toLowerCase())) ports.set(each.toLowerCase(), port);
    }
    // A name is printed only where reading it gives the same port again.
    if (!names.has(port) && ports.get(name.toLowerCase()) === port && /^[A-Za-z][\w.+-]*$/.test(name)) {
      names.set(port, name);
    }
  }
  return { ports, names };
}

export const BUILT_IN_SERVICES: Services = parseServices('');
