/** What accounts did, by the API server's audit log, beside what they may do. */
import type { Right } from './rights.ts';

export interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  /** Absent where no resource was asked for: /version, discovery. */
  readonly objectRef?: {
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code?: number };
}

export interface Comparison {
  /** Requests that were refused for want of a right: it does more than it may. */
  readonly refused: readonly string[];
  /** Rights that no request used: it may more than it does. A line for each resource and verb. */
  readonly unused: readonly string[];
}

/** Of the accounts that have these rights, and of `others` that have none. Lists are sorted, each line stands once. */
export function compareWithAudit(
  rights: readonly Right[],
  events: readonly AuditEvent[],
  others: readonly string[] = [],
): Comparison {
  const accounts = new Set([...rights.map(({ user }) => user), ...others]);
  const own = events.filter(({ user }) => accounts.has(user.username));
  const refused = own.filter(({ responseStatus }) => responseStatus?.code === 403).map(told);
  const unused = rights.flatMap((right) =>
    right.verbs.filter((verb) => !own.some((event) => uses(event, right, verb))).map((verb) => lineOf(right, verb)),
  );
  return { refused: [...new Set(refused)].toSorted(), unused: [...new Set(unused)].toSorted() };
}

export function auditEvents(log: string): readonly AuditEvent[] {
  return log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditEvent);
}

function uses({ verb, user, objectRef, responseStatus }: AuditEvent, right: Right, asked: string): boolean {
  if (objectRef === undefined || verb !== asked || user.username !== right.user) return false;
  if (responseStatus?.code === 403) return false;
  const { apiGroup = '', namespace = '', name = '' } = objectRef;
  return (
    apiGroup === right.group &&
    resourceOf(objectRef) === right.resource &&
    (right.namespace === null || right.namespace === namespace) &&
    (right.names === null || right.names.includes(name))
  );
}

const resourceOf = ({ resource, subresource }: NonNullable<AuditEvent['objectRef']>): string =>
  subresource === undefined ? resource : `${resource}/${subresource}`;

function told({ verb, user, objectRef }: AuditEvent): string {
  if (objectRef === undefined) return `${user.username}: ${verb}`;
  const { namespace = '*', name } = objectRef;
  return `${user.username}: ${verb} ${namespace} ${resourceOf(objectRef)}${name === undefined ? '' : ` ${name}`}`;
}

const lineOf = ({ user, namespace, resource, names }: Right, verb: string): string =>
  `${user}: ${verb} ${namespace ?? '*'} ${resource}${names === null ? '' : ` [${names.join(', ')}]`}`;
