/** Which hosts a namespace may claim, by the installation's policy. */
import { matchesNamespace } from '../model/address-policy.ts';
import type { HostRule } from './cluster-facts.ts';

/** Hosts of those asked for that the namespace may not claim; without any rule it may claim all. */
export const hostsNotAllowed = (
  hosts: readonly string[],
  namespace: string,
  rules: readonly HostRule[],
): readonly string[] => {
  if (rules.length === 0) return NONE;
  const patterns = rules.flatMap((rule) => (matchesNamespace(rule.namespaces, namespace) ? rule.hosts : []));
  return hosts.filter((host) => !patterns.some((pattern) => covers(pattern.toLowerCase(), host)));
};

/** Whether the pattern has all that the host (itself one, perhaps `*.…` or `*`) stands for. */
const covers = (pattern: string, host: string): boolean => {
  if (pattern === '*' || pattern === host) return true;
  return pattern.startsWith('*.') && host.endsWith(pattern.slice(1));
};

const NONE: readonly string[] = [];
