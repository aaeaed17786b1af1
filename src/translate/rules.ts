/** Rules of a virtual server: in the order in which they are tried, with defaults, as the proxy takes them. */
import type { FilterSpec } from '../api/filters.ts';
import type { MatchSpec, RuleSpec } from '../api/rule.ts';
import type { Destination, Filter, Match, ObjectKey, Rule, RuleDestinations, ValueMatch } from '../model/snapshot.ts';
import { rateLimitOf, timeoutsOf } from './defaults.ts';

/** How names that a rule refers to are found; what is unknown is null, and reported elsewhere. */
export interface Finder {
  readonly server: (name: string) => ObjectKey | null;
  /** Weight of a destination that does not say. */
  readonly weightOf: (server: string) => number;
  readonly matrixOf: (app: string) => ObjectKey | null;
}

/** Of thousands of rules most have no filters, and look at no headers and no parameters. */
const NONE: readonly never[] = [];

/** KTCPVS tries these two last, whatever order they were added in. With other conditions they do not take everything. */
const CATCH_ALLS: readonly string[] = ['.*', '^/.*'];

const isCatchAll = ({ match }: RuleSpec): boolean =>
  match.path?.type === 'Pattern' &&
  CATCH_ALLS.includes(match.path.value) &&
  match.hosts.length + match.methods.length + match.headers.length + match.query.length === 0;

/** The rules in trying order. */
export const inTryingOrder = (rules: readonly RuleSpec[]): RuleSpec[] => [
  ...rules.filter((rule) => !isCatchAll(rule)),
  ...rules.filter(isCatchAll),
];

export const translateRule = (spec: RuleSpec, finder: Finder): Rule => ({
  name: spec.name,
  match: translateMatch(spec.match),
  destinations: destinationsOf(spec, finder),
  filters: spec.filters.length === 0 ? NONE : spec.filters.flatMap((filter) => translateFilter(filter, finder)),
  timeouts: timeoutsOf(spec.timeouts),
  retry: spec.retry as Rule['retry'],
  rateLimit: rateLimitOf(spec.rateLimit),
});

/** An app that is a column of no matrix has no destination: the rule still takes its requests, and answers 503. */
const destinationsOf = (spec: RuleSpec, finder: Finder): RuleDestinations => {
  if (spec.app !== undefined) {
    const matrix = finder.matrixOf(spec.app);
    return matrix === null ? { kind: 'Servers', servers: [] } : { kind: 'App', matrix, app: spec.app };
  }
  return { kind: 'Servers', servers: translateDestinations(spec.servers ?? [], finder) };
};

/** The destinations that are known. */
export const translateDestinations = (
  specs: readonly { readonly server: string; readonly weight?: number }[],
  finder: Finder,
): Destination[] =>
  specs.flatMap(({ server, weight }) => {
    const key = finder.server(server);
    return key === null ? [] : [{ server: key, weight: weight ?? finder.weightOf(server) }];
  });

const translateMatch = (match: MatchSpec): Match => ({
  hosts: match.hosts,
  path: match.path ?? null,
  methods: match.methods,
  headers: match.headers.length === 0 ? NONE : match.headers.map((each) => valueMatch(each, each.name.toLowerCase())),
  query: match.query.length === 0 ? NONE : match.query.map((each) => valueMatch(each, each.name)),
  hashGroup: match.hashGroup,
});

const valueMatch = (spec: MatchSpec['headers'][number], name: string): ValueMatch => ({
  name,
  type: spec.type,
  value: spec.value ?? '',
});

const translateFilter = (filter: FilterSpec, finder: Finder): Filter[] => {
  switch (filter.type) {
    case 'Rewrite':
      return [{ type: 'Rewrite', host: filter.rewrite?.host ?? null, path: filter.rewrite?.path ?? null }];
    case 'Redirect': {
      const { scheme, host, port, path, status } = filter.redirect ?? { status: 302 };
      return [
        {
          type: 'Redirect',
          scheme: scheme ?? null,
          host: host ?? null,
          port: port ?? null,
          path: path ?? null,
          status: status as 301 | 302 | 303 | 307 | 308,
        },
      ];
    }
    case 'RequestHeaders':
    case 'ResponseHeaders': {
      const change = filter.type === 'RequestHeaders' ? filter.requestHeaders : filter.responseHeaders;
      return [{ type: filter.type, set: change?.set ?? [], add: change?.add ?? [], remove: change?.remove ?? [] }];
    }
    case 'Mirror': {
      const server = filter.mirror === undefined ? null : finder.server(filter.mirror.server);
      return server === null ? [] : [{ type: 'Mirror', server, percent: filter.mirror?.percent ?? 100 }];
    }
    default:
      return filter.type satisfies never;
  }
};
