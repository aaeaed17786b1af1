/**
 * The network of a cluster, inside the network namespace that this process runs in: it is the router, every pod, node and
 * client has a namespace of its own, joined to it by a veth pair. No bridge: all packets pass the router, so that Services'
 * address translation (kube-proxy, here) sees both directions of each connection.
 */
import { mkdirSync, writeFileSync } from 'node:fs';

import { must } from '../run.ts';

/** The control plane's address. */
export const ROUTER = '10.240.0.1';
export const CLIENT = '10.240.0.9';
export const POD_RANGE = '10.244.0.0/16';
export const SERVICE_RANGE = '10.96.0.0/16';

export const nodeAddress = (index: number) => `10.240.1.${index + 1}`;
export const podRangeOf = (index: number) => `10.244.${index + 1}.0/24`;
export const podAddress = (index: number, host: number) => `10.244.${index + 1}.${host}`;
/** Where `nsenter --net=` finds it. */
export const namespacePath = (name: string) => `/run/netns/${name}`;

/** Takes this process's network namespace, which must be new and its own, as its mount namespace must be. */
export async function openRouter(resolvConf: string): Promise<void> {
  mkdirSync('/run/netns', { recursive: true });
  await must(['mount', '-t', 'tmpfs', 'tmpfs', '/run/netns']);
  await must(['mount', '--bind', resolvConf, '/etc/resolv.conf']);
  await ip([], ['link set lo up', `addr add ${ROUTER}/32 dev lo`]);
  for (const [key, value] of Object.entries({ ip_forward: 1, 'conf/all/rp_filter': 0, 'conf/default/rp_filter': 0 })) {
    writeFileSync(`/proc/sys/net/ipv4/${key}`, String(value));
  }
}

let links = 0;

/** A namespace with one address, from which everything goes over the router. `sysctls`: `net.…` by name. */
export async function addNamespace(
  name: string,
  address: string,
  sysctls: Readonly<Record<string, string>> = {},
): Promise<void> {
  const link = `v${++links}`;
  await must(['ip', 'netns', 'add', name]);
  await ip([], [`link add ${link} type veth peer name eth0 netns ${name}`, `link set ${link} up`]);
  await ip(
    ['-n', name],
    [
      'link set lo up',
      `addr add ${address}/32 dev eth0`,
      'link set eth0 up',
      `route add ${ROUTER} dev eth0`,
      `route add default via ${ROUTER} src ${address}`,
    ],
  );
  await ip([], [`route add ${address} dev ${link} src ${ROUTER}`]);
  for (const [key, value] of Object.entries(sysctls)) {
    const write = `echo "$1" > /proc/sys/${key.replaceAll('.', '/')}`;
    await must(['ip', 'netns', 'exec', name, 'sh', '-c', write, 'sh', value]);
  }
}

/** Its processes must have ended: a namespace lives as long as the last of them. */
export async function removeNamespace(name: string): Promise<void> {
  await must(['ip', 'netns', 'delete', name]);
}

async function ip(where: readonly string[], commands: readonly string[]): Promise<void> {
  await must(['ip', ...where, '-batch', '-'], { input: commands.join('\n') });
}
