/** The reference of conditions and their reasons, from the tables that they are made from. */
import { type ConditionReason, REASONS } from '../translate/reasons.ts';
import { SERVING_REASONS } from './known-conditions.ts';

type AnyReason = ConditionReason | keyof typeof SERVING_REASONS;

interface TypeInfo {
  readonly of: string;
  readonly means: string;
  readonly reasons: readonly AnyReason[];
}

const ALL: Readonly<Record<AnyReason, string>> = { ...REASONS, ...SERVING_REASONS };

const REFERENCES: readonly AnyReason[] = [
  'ResolvedRefs',
  'ServerNotFound',
  'MatrixNotFound',
  'AppNotFound',
  'AmbiguousApp',
  'NoPortForApp',
  'NodeServer',
  'ServiceNotGiven',
  'ServiceNotFound',
  'PortNotFound',
  'ExternalNameService',
  'NodeNotFound',
  'NeedsCluster',
  'RefNotPermitted',
  'CertificateNotFound',
  'SecretNotReadable',
  'InvalidCertificate',
  'NotServed',
];

/** By type, in the order in which they are read. */
export const CONDITION_TYPES: Readonly<Record<string, TypeInfo>> = {
  Accepted: {
    of: 'all, listeners, rules',
    means: 'The object is right, and has all that it asked for. What is left of it is served also where this is False.',
    reasons: [
      'Accepted',
      'Invalid',
      'InvalidPattern',
      'PatternsTooExpensive',
      'InvalidAddress',
      'StandaloneOnly',
      'ListenerConflict',
      'HostConflict',
      'HostNotAllowed',
      'AddressNotAllowed',
    ],
  },
  ResolvedRefs: {
    of: 'all, rules',
    means: 'All that the object refers to is there, and may be used.',
    reasons: REFERENCES,
  },
  Programmed: {
    of: 'TcpVirtualServer, its listeners, AppWeightMatrix',
    means: 'Every ready proxy has acknowledged that it serves this generation.',
    reasons: [
      'Programmed',
      'Programming',
      'Pending',
      'NoProxies',
      'PortUnavailable',
      'PortNotExposed',
      'NoCertificate',
      'CapacityExceeded',
      'Suspended',
      'NotServed',
    ],
  },
  Healthy: {
    of: 'RealServer',
    means: 'Some endpoint of it takes new work.',
    reasons: ['Healthy', 'NotUsed', 'NoEndpoints', 'NoEndpointAvailable', 'Pending', 'NotServed'],
  },
  Quiesced: {
    of: 'RealServer',
    means: 'It takes no new work by somebody’s wish.',
    reasons: ['Quiesced', 'InService', 'NotServed'],
  },
  OnTarget: {
    of: 'AppWeightMatrix',
    means: 'Delivered shares are the asked ones.',
    reasons: ['SharesDelivered', 'SharesDeviate', 'LimitsBind', 'NoRequests', 'Pending', 'NotServed'],
  },
  Used: { of: 'rules', means: 'The rule takes part in dispatching.', reasons: ['SchedulerReadsNoRequest'] },
  Ready: {
    of: 'all',
    means:
      'The summary: True where Accepted, ResolvedRefs and Programmed (of a RealServer: Healthy) are; else with the reason of the first that is not.',
    reasons: ['Ready'],
  },
  Reconciling: {
    of: 'all',
    means: 'Only while Ready is Unknown, for tools that follow kstatus; its reason is that of Ready.',
    reasons: [],
  },
  Stalled: {
    of: 'all',
    means:
      'Only while Accepted is False, for the same tools; its reason is that of Accepted. Of an AppWeightMatrix also while instances cannot be managed although placement.actuate is Manage: traffic is served then, and weights are computed.',
    reasons: ['ScaledByOthers', 'WorkloadUnfit', 'WorkloadsUnknown', 'NotPermitted'],
  },
};

/** Markdown. */
export const conditionsReference = (): string => {
  const types = Object.entries(CONDITION_TYPES);
  const sections = types
    .filter(([, { reasons }]) => reasons.length > 0)
    .map(
      ([type, { reasons }]) =>
        `## ${type}\n\n${table(
          ['reason', 'meaning'],
          reasons.map((each) => [`\`${each}\``, ALL[each]]),
        )}`,
    );
  return [
    '<!-- Generated from src/status and src/translate by `make generate`; do not edit. -->',
    '# Conditions',
    'What `status.conditions` says of an object, and of its listeners and rules. Reasons are stable; messages are for people and may change.',
    table(
      ['type', 'of', 'True means'],
      types.map(([type, { of, means }]) => [type, of, means]),
    ),
    ...sections,
  ].join('\n\n');
};

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
