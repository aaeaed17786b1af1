/** Virtual servers: piece and status from one walk, so that configuration and status cannot disagree. */
import type { TcpVirtualServerSpec } from '../api/tcp-virtual-server.ts';
import type { Verdict } from '../model/address-policy.ts';
import type { Listener, VirtualServerPiece } from '../model/snapshot.ts';
import type { Condition, ObjectStatus } from '../model/status.ts';
import type { PublishedAddress } from './cluster-facts.ts';
import { isFalse, isPending, isUnknown, type Problem, unless, withReady } from './conditions.ts';
import { balanceOf, limitsOf, queueOf, rateLimitOf } from './defaults.ts';
import { type ListenerContext, lacksOf, listenerStatuses, refusalsOf, servedListeners } from './listeners.ts';
import { finderOf, type References } from './references.ts';
import { inTryingOrder, translateDestinations, translateRule } from './rules.ts';
import { accepted, type Subject } from './subjects.ts';

export interface VirtualServerResult {
  readonly content: Omit<VirtualServerPiece, 'hash'> | null;
  readonly status: ObjectStatus;
}

/** What a virtual server is translated with, besides its spec. */
export interface VirtualServerContext extends Omit<ListenerContext, 'tls'> {
  readonly references: References;
  /** Rules that are left out, and why. */
  readonly refused: ReadonlyMap<string, Problem>;
  /** Whether its redirect may be used, and as what; null: it has none. */
  readonly redirect: Verdict | null;
  /** Whose policy the addresses behind a name are judged by; null: nobody's. */
  readonly guard: string | null;
  /** Where clients reach the proxies. */
  readonly addresses: readonly PublishedAddress[];
}

export const translateVirtualServer = (
  subject: Subject<TcpVirtualServerSpec>,
  context: VirtualServerContext,
): VirtualServerResult => {
  const { spec } = subject;
  if (spec === null) return { content: null, status: statusOf(subject, notLookedAt(subject), {}) };
  const { references, refused, redirect } = context;
  const listening = { ...context, tls: references.tls };
  const listeners = servedListeners(spec, listening);
  const forbidden: Problem[] =
    redirect?.ok === false ? [{ reason: 'AddressNotAllowed', message: `redirect: ${redirect.why}` }] : [];
  const partly = [...refusalsOf(spec, listening), ...refused.values(), ...forbidden];
  const conditions = [
    accepted(subject, partly),
    unless('ResolvedRefs', references.problems, 'ResolvedRefs', 'All references are known', subject.generation),
    programmed(subject, spec, lacksOf(spec, listening)),
  ];
  const content = listeners.length === 0 ? null : contentOf(subject.key, spec, listeners, context);
  const served = spec.rules.length - refused.size;
  const details = {
    ...detailsOf(subject, spec, context),
    listeners: listenerStatuses(spec, listening, served, subject.generation),
    ...(context.addresses.length === 0 || listeners.length === 0 ? {} : { addresses: context.addresses }),
  };
  return { content, status: statusOf(subject, conditions, details) };
};

const contentOf = (
  key: string,
  spec: TcpVirtualServerSpec,
  listeners: readonly Listener[],
  { references, refused, redirect, guard }: VirtualServerContext,
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
    redirect:
      spec.redirect === undefined || redirect?.ok !== true
        ? null
        : { address: redirect.host, port: spec.redirect.port, guard },
    rateLimit: rateLimitOf(spec.rateLimit),
    ...(spec.queue === undefined ? {} : { queue: queueOf(spec.queue) }),
    limits: limitsOf(spec.limits),
  };
};

const programmed = (
  { generation }: Subject<unknown>,
  spec: TcpVirtualServerSpec,
  lacks: readonly Problem[] | null,
): Condition => {
  if (spec.suspend) return isFalse('Programmed', 'Suspended', 'spec.suspend is set; nothing listens', generation);
  if (lacks === null) return isFalse('Programmed', 'NotServed', 'No listener is left', generation);
  return lacks.length === 0
    ? isPending('Programmed', generation)
    : unless('Programmed', lacks, 'Pending', '', generation);
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
  { references, refused }: VirtualServerContext,
): ObjectStatus['details'] => ({
  ports: spec.listeners
    .map(({ port, protocol }) => `${port}/${protocol}`)
    .join(',')
    .slice(0, 256),
  ruleCount: spec.rules.length,
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
  const unused = whyUnused(name, spec);
  if (unused !== null) conditions.push(isFalse('Used', 'SchedulerReadsNoRequest', unused, generation));
  return conditions;
};

const whyUnused = (name: string, { scheduler, listeners, rules }: TcpVirtualServerSpec): string | null => {
  if (scheduler !== 'wlc') return null;
  if (listeners.every(({ protocol }) => protocol === 'TCP')) {
    return 'wlc on TCP looks at no request; the destinations are spec.servers';
  }
  const match = rules.find((rule) => rule.name === name)?.match;
  const asksMore =
    match !== undefined &&
    (match.path !== undefined || match.methods.length + match.headers.length + match.query.length > 0);
  return asksMore ? 'TLS that is passed through tells its host alone; a rule that looks at more is not used' : null;
};
