/** What is wrong with a virtual server's spec in itself, beyond what its schema says. */
import type { TcpVirtualServerSpec } from '../api/tcp-virtual-server.ts';
import { canonicalAddress } from './addresses.ts';
import type { ClusterState } from './cluster-state.ts';
import type { Problem } from './conditions.ts';

/**
 * Why a pattern does not compile, or null where it does. Regex: RE2 syntax; Pattern: POSIX extended. `hashGroup` is the
 * group that will be asked for; 0: none.
 */
export type CheckPattern = (type: 'Regex' | 'Pattern', value: string, hashGroup: number) => string | null;

/** Faults of the listeners' addresses and certificates. */
export const judgeListeners = (spec: TcpVirtualServerSpec, mode: ClusterState['mode']): Problem[] =>
  spec.listeners.flatMap(({ name, address, tls }): Problem[] => {
    const problems: Problem[] = [];
    if (address !== undefined && canonicalAddress(address) === null) {
      const message = `listener ${name}: address: read ${JSON.stringify(address)}, expected an IP address`;
      problems.push({ reason: 'InvalidAddress', message });
    }
    if (mode === 'Cluster' && address !== undefined) {
      const message = `listener ${name}: address is for standalone only; in a cluster the Service decides`;
      problems.push({ reason: 'StandaloneOnly', message });
    }
    if (mode === 'Cluster' && (tls?.certificateFiles.length ?? 0) > 0) {
      const message = `listener ${name}: certificateFiles are for standalone only; use certificateRefs`;
      problems.push({ reason: 'StandaloneOnly', message });
    }
    return problems;
  });

/** Faults of the rules' expressions. */
export const judgePatterns = (spec: TcpVirtualServerSpec, checkPattern: CheckPattern): Problem[] => {
  const problems: Problem[] = [];
  const check = (where: string, type: string, value: string, hashGroup = 0): void => {
    if (type !== 'Regex' && type !== 'Pattern') return;
    const fault = checkPattern(type, value, hashGroup);
    if (fault === null) return;
    problems.push({ reason: 'InvalidPattern', message: `${where}: ${type} ${JSON.stringify(value)}: ${fault}` });
  };
  for (const { name, match } of spec.rules) {
    if (match.path !== undefined) check(`rule ${name}: path`, match.path.type, match.path.value, match.hashGroup);
    for (const each of match.headers) check(`rule ${name}: header ${each.name}`, each.type, each.value ?? '');
    for (const each of match.query) check(`rule ${name}: query ${each.name}`, each.type, each.value ?? '');
  }
  return problems;
};
