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
  /** Requests that were refused although there is a right: an API server that has just started does not know it yet. */
  readonly tooEarly: readonly string[];
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
  const denied = own.filter(({ responseStatus }) => responseStatus?.code === 403);
  const [early = [], wrong = []] = [true, false].map((allowed) =>
    denied.filter((event) => rights.some((right) => covers(right, event)) === allowed).map(told),
  );
  const unused = rights.flatMap((right) =>
    right.verbs.filter((verb) => !own.some((event) => uses(event, right, verb))).map((verb) => lineOf(right, verb)),
  );
  return { refused: onceEach(wrong), tooEarly: onceEach(early), unused: onceEach(unused) };
}

const onceEach = (lines: readonly string[]): readonly string[] => [...new Set(lines)].toSorted();

export function auditEvents(log: string): readonly AuditEvent[] {
  return log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditEvent);
}

const uses = (event: AuditEvent, right: Right, asked: string): boolean =>
  event.verb === asked && event.responseStatus?.code !== 403 && covers(right, event);

function covers(right: Right, { verb, user, objectRef }: AuditEvent): boolean {
  if (objectRef === undefined || !right.verbs.includes(verb) || user.username !== right.user) return false;
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
