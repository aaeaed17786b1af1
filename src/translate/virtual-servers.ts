/** Virtual servers: piece and status from one walk, so that configuration and status cannot disagree. */
import type { TcpVirtualServerSpec } from '../api/tcp-virtual-server.ts';
import type { Listener, VirtualServerPiece } from '../model/snapshot.ts';
import type { Condition, ObjectStatus } from '../model/status.ts';
import type { ListenerClaim } from './claims.ts';
import { isFalse, isPending, isUnknown, listed, type Problem, unless, withReady } from './conditions.ts';
import { balanceOf, limitsOf } from './defaults.ts';
import { finderOf, type References } from './references.ts';
import { inTryingOrder, translateDestinations, translateRule } from './rules.ts';
import { accepted, type Subject } from './subjects.ts';

export interface VirtualServerResult {
  readonly content: Omit<VirtualServerPiece, 'hash'> | null;
  readonly status: ObjectStatus;
}

/** What a virtual server is translated with, besides its spec: plain data. */
export interface VirtualServerContext {
  readonly claims: readonly ListenerClaim[];
  readonly references: References;
  /** Rules that are left out, and why. */
  readonly refused: ReadonlyMap<string, Problem>;
}

export const translateVirtualServer = (
  subject: Subject<TcpVirtualServerSpec>,
  context: VirtualServerContext,
): VirtualServerResult => {
  const { spec } = subject;
  if (spec === null) return { content: null, status: statusOf(subject, notLookedAt(subject), {}) };
  const { claims, references, refused } = context;
  const partly = [...claims.flatMap((claim) => conflictsOf(claim, spec)), ...refused.values()];
  const listeners = spec.suspend ? [] : listenersOf(spec, context);
  const conditions = [
    accepted(subject, partly),
    unless('ResolvedRefs', references.problems, 'ResolvedRefs', 'All references are known', subject.generation),
    programmed(subject, spec, context),
  ];
  const content = listeners.length === 0 ? null : contentOf(subject.key, spec, listeners, context);
  return { content, status: statusOf(subject, conditions, detailsOf(subject, spec, context)) };
};

const contentOf = (
  key: string,
  spec: TcpVirtualServerSpec,
  listeners: readonly Listener[],
  { references, refused }: VirtualServerContext,
): Omit<VirtualServerPiece, 'hash'> => {
  const finder = finderOf(references);
  return {
    kind: 'VirtualServer',
    key,
    listeners,
    scheduler: spec.scheduler,
    balance: balanceOf(spec),
    servers: translateDestinations(spec.servers, finder),
    rules: inTryingOrder(spec.rules)
      .filter((rule) => !refused.has(rule.name))
      .map((rule) => translateRule(rule, finder)),
    redirect: spec.redirect ?? null,
    limits: limitsOf(spec.limits),
  };
};

/** Listeners on which something is left. */
const listenersOf = (
  spec: TcpVirtualServerSpec,
  { claims, references }: Pick<VirtualServerContext, 'claims' | 'references'>,
): Listener[] =>
  spec.listeners.flatMap(({ name, port, protocol, proxyProtocol }, index) => {
    const claim = claims[index];
    const tls = references.tls[name] ?? null;
    if (claim === undefined || claim.hosts.length === 0 || (protocol === 'HTTPS' && tls === null)) return [];
    return [{ name, address: claim.address, port, protocol, proxyProtocol, tls, hosts: claim.hosts }];
  });

/** Why nothing of a listener is served that has won its place; null: it is. */
const unservable = (
  { name, protocol }: TcpVirtualServerSpec['listeners'][number],
  { tls }: References,
): Problem | null => {
  if (protocol !== 'HTTPS' || (tls[name] ?? null) !== null) return null;
  return {
    reason: 'NoCertificate',
    message: `listener ${name}: no certificate (or no authority for those of clients) is left that could be used`,
  };
};

const conflictsOf = (claim: ListenerClaim, spec: TcpVirtualServerSpec): Problem[] => {
  if (claim.conflict !== null) return [{ reason: 'ListenerConflict', message: claim.conflict }];
  if (claim.lost.length === 0) return [];
  const port = spec.listeners.find((each) => each.name === claim.name)?.port ?? 0;
  const taken = claim.lost.map(({ host, owner }) => `${host === '*' ? 'requests for any host' : host} (${owner})`);
  const left = claim.hosts.length === 0 ? 'nothing is left' : `left: ${listed(claim.hosts)}`;
  const message = `listener ${claim.name}: on port ${port} older virtual servers have ${listed(taken)}; ${left}`;
  return [{ reason: 'HostConflict', message }];
};

const programmed = (
  { generation }: Subject<unknown>,
  spec: TcpVirtualServerSpec,
  { claims, references }: VirtualServerContext,
): Condition => {
  if (spec.suspend) return isFalse('Programmed', 'Suspended', 'spec.suspend is set; nothing listens', generation);
  const won = spec.listeners.filter((_, index) => (claims[index]?.hosts.length ?? 0) > 0);
  if (won.length === 0) return isFalse('Programmed', 'NotServed', 'No listener is left', generation);
  const problems = won.flatMap((listener) => unservable(listener, references) ?? []);
  return problems.length === 0
    ? isPending('Programmed', generation)
    : unless('Programmed', problems, 'Pending', '', generation);
};

const notLookedAt = (subject: Subject<unknown>): Condition[] => [
  accepted(subject),
  isUnknown('ResolvedRefs', 'NotServed', 'Not looked at, because the object is not accepted', subject.generation),
  isFalse('Programmed', 'NotServed', 'Nothing is served', subject.generation),
];

const statusOf = (
  { key, generation }: Subject<unknown>,
  conditions: readonly Condition[],
  details: ObjectStatus['details'],
): ObjectStatus => ({
  kind: 'TcpVirtualServer',
  key,
  observedGeneration: generation,
  conditions: withReady('TcpVirtualServer', conditions, generation),
  details,
});

const detailsOf = (
  { generation }: Subject<unknown>,
  spec: TcpVirtualServerSpec,
  { claims, references, refused }: VirtualServerContext,
): ObjectStatus['details'] => ({
  ports: spec.listeners
    .map(({ port, protocol }) => `${port}/${protocol}`)
    .join(',')
    .slice(0, 256),
  ruleCount: spec.rules.length,
  listeners: spec.listeners.map((listener, index) => {
    const claim = claims[index];
    const problem = unservable(listener, references);
    const served = !spec.suspend && claim !== undefined && claim.hosts.length > 0 && problem === null;
    const conflicts = claim === undefined ? [] : conflictsOf(claim, spec);
    return {
      name: listener.name,
      attachedRules: served ? spec.rules.length - refused.size : 0,
      conditions: [
        unless('Accepted', conflicts, 'Accepted', 'Accepted', generation),
        ...(problem === null ? [] : [isFalse('Programmed', problem.reason, problem.message, generation)]),
      ],
    };
  }),
  rules: spec.rules.flatMap(({ name }) => {
    const conditions = ruleConditions(name, spec, references, refused.get(name), generation);
    return conditions.length === 0 ? [] : [{ name, conditions }];
  }),
});

const ruleConditions = (
  name: string,
  spec: TcpVirtualServerSpec,
  references: References,
  refused: Problem | undefined,
  generation: number,
): Condition[] => {
  const conditions: Condition[] = [];
  if (refused !== undefined) conditions.push(isFalse('Accepted', refused.reason, refused.message, generation));
  const problems = references.problems.filter((each) => each.rule === name);
  if (problems.length > 0) conditions.push(unless('ResolvedRefs', problems, 'ResolvedRefs', '', generation));
  if (spec.scheduler === 'wlc' && spec.listeners.every((each) => each.protocol === 'TCP')) {
    const message = 'wlc on TCP looks at no request; the destinations are spec.servers';
    conditions.push(isFalse('Used', 'SchedulerReadsNoRequest', message, generation));
  }
  return conditions;
};
