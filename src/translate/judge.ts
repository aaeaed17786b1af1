/** What is wrong with a virtual server's spec in itself, beyond what its schema says. */
import type { TcpVirtualServerSpec } from '../api/tcp-virtual-server.ts';
import { canonicalAddress } from './addresses.ts';
import type { ClusterState } from './cluster-state.ts';
import type { Problem } from './conditions.ts';
import { limitsOf } from './defaults.ts';

/** `path`: looked for in the path, together with those of other rules; `value`: in a header or query parameter. */
export type PatternUse = 'path' | 'value';

/**
 * Why a pattern does not compile, or, where it does, what it costs at worst (units of PATTERN_BUDGET). Regex: RE2 syntax;
 * Pattern: POSIX extended. `hashGroup` is the group that will be asked for; 0: none.
 */
export type CheckPattern = (
  type: 'Regex' | 'Pattern',
  value: string,
  use: PatternUse,
  hashGroup: number,
) => string | number;

/** What is found out about a spec's patterns. */
export interface PatternJudgement {
  /** They do not compile: the spec is wrong. */
  readonly faults: readonly Problem[];
  /** By rule: beyond the budget, so that it is left out. */
  readonly refused: ReadonlyMap<string, Problem>;
}

/**
 * What all patterns of one virtual server may cost together on a head of 16 KB, in units of 5 ns a byte: about 20 ms, and so
 * long does the worker do nothing else for anybody (measured with sets of evil patterns). An ordinary pattern costs 1 to 4.
 */
export const PATTERN_BUDGET = 256;
/** The head that the budget is meant for, and the longest one that the proxy reads whatever `headerBytes` says. */
const HEAD = 16_384;
const LONGEST_HEAD = 65_536;

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

/** The rules' expressions: what does not compile, and which rules are too expensive. */
export const judgePatterns = (spec: TcpVirtualServerSpec, checkPattern: CheckPattern): PatternJudgement => {
  const faults: Problem[] = [];
  const refused = new Map<string, Problem>();
  const longer = Math.ceil(Math.min(limitsOf(spec.limits).headerBytes || LONGEST_HEAD, LONGEST_HEAD) / HEAD);
  let left = PATTERN_BUDGET;
  for (const { name, match } of spec.rules) {
    let cost = 0;
    const check = (where: string, type: string, value: string, use: PatternUse, hashGroup = 0): void => {
      if (type !== 'Regex' && type !== 'Pattern') return;
      const verdict = checkPattern(type, value, use, hashGroup);
      if (typeof verdict === 'number') cost += verdict * longer;
      else {
        const message = `rule ${name}: ${where}: ${type} ${JSON.stringify(value)}: ${verdict}`;
        faults.push({ reason: 'InvalidPattern', message });
      }
    };
    const { path, headers, query, hashGroup } = match;
    if (path !== undefined) check('path', path.type, path.value, 'path', hashGroup);
    for (const each of headers) check(`header ${each.name}`, each.type, each.value ?? '', 'value');
    for (const each of query) check(`query ${each.name}`, each.type, each.value ?? '', 'value');
    if (cost <= left) left -= cost;
    else refused.set(name, { reason: 'PatternsTooExpensive', message: tooExpensive(name, cost, left) });
  }
  return { faults, refused };
};

const tooExpensive = (rule: string, cost: number, left: number): string =>
  `rule ${rule} is not served: its patterns cost ${cost}, and of the ${PATTERN_BUDGET} that the patterns of a virtual ` +
  `server may cost together the rules before it leave ${left}; simpler patterns, or a virtual server of its own`;
