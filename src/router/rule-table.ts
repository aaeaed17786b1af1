import type { RequestHead } from '../http/request-head.ts';
import type { Match, PathMatch, Rule } from '../model/snapshot.ts';
import { Candidates } from '../pattern/candidates.ts';
import { NO_INDEX } from '../pattern/index-lists.ts';
import { PatternSet, type SetEntry } from '../pattern/pattern-set.ts';
import { compilePattern } from '../pattern/pattern.ts';
import type { Finder } from '../pattern/simple-group.ts';
import { bytesOf } from './bytes.ts';
import { hashBytes } from './hash.ts';
import { HostMarks } from './host-marks.ts';
import { type Part, Predicates } from './predicates.ts';

/** Why a rule did not take a request; `reasons` is empty for one that would. */
export interface Explanation {
  readonly index: number;
  readonly name: string;
  readonly reasons: readonly ('path' | Part)[];
}

/**
 * The rules of one virtual server. The path (normalised, as it stands: nothing decoded, case-sensitive) finds the few
 * rules in question at a cost that hardly grows with their number; what else they ask for is looked at in their order.
 */
export class RuleTable {
  private readonly paths: PatternSet;
  /** By index; null where the path alone decides. */
  private readonly predicates: readonly (Predicates | null)[];
  private readonly finders: readonly (Finder | null)[];
  private readonly candidates: Candidates;
  private readonly hosts: HostMarks;

  /** @throws PatternError for a path, value or group that does not compile */
  constructor(rules: readonly Rule[]) {
    this.hosts = new HostMarks(rules.flatMap((rule) => rule.match.hosts));
    const predicates: (Predicates | null)[] = [];
    const alike = new Map<string, Predicates>();
    const finders: (Finder | null)[] = [];
    const entries: SetEntry[] = rules.map((rule, index) => {
      const { path, hashGroup } = rule.match;
      const own = predicatesOf(rule.match, this.hosts, alike);
      predicates.push(own.empty ? null : own);
      const match = compilePath(path);
      finders.push(hashGroup > 0 && 'shape' in match ? match.finderOf(hashGroup) : null);
      return { index, match, decisive: own.empty };
    });
    this.predicates = predicates;
    this.finders = finders;
    this.paths = new PatternSet(entries);
    this.candidates = new Candidates(rules.length);
  }

  /** The lowest index of a rule whose whole match holds, or −1. */
  match(head: RequestHead): number {
    const { candidates } = this;
    candidates.clear();
    const best = this.paths.search(head.pathBytes, head.pathStart, head.pathEnd, NO_INDEX, candidates);
    if (candidates.count > 0) {
      candidates.sort();
      this.hosts.look(head);
      for (let at = 0; at < candidates.count; at++) {
        const index = candidates.indices[at]!;
        if (index >= best) break;
        if (this.predicates[index]!.holds(head)) return index;
      }
    }
    return best === NO_INDEX ? -1 : best;
  }

  /**
   * For a rule with a hash group: 32 bits, well mixed, over the text of the group in this request's path. −1 where the
   * rule has none or the group did not take part in the match; the choice is then by weight.
   */
  hashGroup(index: number, head: RequestHead): number {
    const finder = this.finders[index];
    if (finder === null || finder === undefined) return -1;
    if (!finder.find(head.pathBytes, head.pathStart, head.pathEnd)) return -1;
    return hashBytes(head.pathBytes, finder.start, finder.end);
  }

  /** For tools: each of the rules (those that the table was made of) with what keeps it from taking this request. */
  explain(rules: readonly Rule[], head: RequestHead): Explanation[] {
    this.hosts.look(head);
    return rules.map((rule, index) => {
      const path = pathHolds(rule.match.path, head);
      const reasons = this.predicates[index]?.failing(head) ?? [];
      return { index, name: rule.name, reasons: path ? reasons : ['path', ...reasons] };
    });
  }
}

/** Rules that ask for the same (a host, say) have one between them. */
function predicatesOf(match: Match, hosts: HostMarks, alike: Map<string, Predicates>): Predicates {
  const key = JSON.stringify([match.hosts, match.methods, match.headers, match.query]);
  let known = alike.get(key);
  if (known === undefined) alike.set(key, (known = new Predicates(match, hosts)));
  return known;
}

/** What the set looks for. Without a path: anything. */
function compilePath(path: PathMatch | null): SetEntry['match'] {
  if (path === null) return { kind: 'starts', literal: new Uint8Array(0) };
  switch (path.type) {
    case 'Exact':
      return { kind: 'equals', literal: bytesOf(path.value) };
    case 'Prefix':
      return { kind: 'segments', literal: bytesOf(withoutSlash(path.value)) };
    case 'Regex':
      return compilePattern(path.value, 'regex');
    case 'Pattern':
      break;
  }
  return compilePattern(path.value, 'ere');
}

/** `/a/` means the same as `/a`: whole segments; `/` is above them all. */
function withoutSlash(prefix: string): string {
  return prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
}

/** The same question for one path alone. */
function pathHolds(path: PathMatch | null, head: RequestHead): boolean {
  const match = compilePath(path);
  const { pathBytes, pathStart, pathEnd } = head;
  if ('shape' in match) return match.test(pathBytes, pathStart, pathEnd);
  return new PatternSet([{ index: 0, match, decisive: true }]).first(pathBytes, pathStart, pathEnd) === 0;
}
