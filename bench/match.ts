/**
 * Nanoseconds per match of a request with 1 to 16,000 rules: half prefixes, half KTCPVS-style patterns (`/app00012/.*`),
 * up to 100 free patterns among them. `node bench/match.ts [--json]`. The same number of requests, of the same shape,
 * whatever the number of rules; each size in a process of its own. Short rounds and their lower quartile, so that what
 * else runs on the machine counts little. `miss`: no rule takes it.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { Rule } from '../src/model/snapshot.ts';
import { headOf, pathOf, ruleOf } from '../src/router/fixture.ts';
import { RuleTable } from '../src/router/rule-table.ts';

const SIZES = [1, 2, 10, 100, 1000, 16_000];
const REQUESTS = 512;
const ROUNDS = 1000;
/** Behind the paths, so that requests differ also where there is one rule only. */
const TAILS = ['', '.map', '/', '.png', '/en/page', '2', '/a/b/c'];

interface Result {
  readonly rules: number;
  readonly hit: number;
  readonly miss: number;
  /** Requests for rules of one kind alone. */
  readonly prefix: number;
  readonly pattern: number;
  readonly free: number | null;
  readonly group: number;
  readonly buildMilliseconds: number;
}

type Kind = 'pattern' | 'prefix' | 'free';

/** Half and half; of the first thousand every tenth is a free one. */
function kindOf(index: number): Kind {
  if (index % 10 === 9 && index < 1000) return 'free';
  return index % 2 === 0 ? 'pattern' : 'prefix';
}

/** A rule and a path that it takes. The paths' length does not depend on the number of rules. */
function ruleAt(index: number): { rule: Rule; path: string } {
  const name = String(index).padStart(5, '0');
  const kind = kindOf(index);
  if (kind === 'prefix') {
    return { rule: ruleOf({ path: pathOf('Prefix', `/part${name}/static`) }), path: `/part${name}/static/a.css` };
  }
  if (kind === 'pattern') {
    const path = pathOf('Pattern', index === 0 ? `/app${name}/([^/]*).*` : `/app${name}/.*`);
    return { rule: ruleOf({ path, hashGroup: index === 0 ? 1 : 0 }), path: `/app${name}/index.html` };
  }
  const free: readonly (readonly [pattern: string, path: string])[] = [
    [`^/api/v[0-9]+/users/[^/]+/item${name}$`, `/api/v2/users/alice/item${name}`],
    [`/shop${name}/(cart|order)s?/[0-9]+`, `/shop${name}/orders/4711`],
    [`^/[a-z]+/team${name}(/.*)?$`, `/some/team${name}/page`],
    [`/files${name}/.*\\.(png|jpe?g)$`, `/files${name}/a/b/logo.png`],
  ];
  const [pattern, path] = free[Math.floor(index / 10) % free.length]!;
  return { rule: ruleOf({ path: pathOf('Pattern', pattern) }), path };
}

function measure(rules: number): Result {
  // One rule cannot be half of each: the two are measured one after the other.
  const halves = rules === 1 ? [[0], [1]] : [Array.from({ length: rules }, (_, index) => index)];
  const tables = halves.map((indices) => {
    const all = indices.map(ruleAt);
    const began = performance.now();
    const table = new RuleTable(all.map((each) => each.rule));
    return { indices, all, table, taken: performance.now() - began };
  });
  const misses = Array.from({ length: REQUESTS }, (_, at) => `/other${at}/page/index.html`);
  const mean = (wanted: (kind: Kind) => boolean): number | null => {
    const times = tables.flatMap(({ indices, all, table }) => {
      const fitting = indices.map((_, at) => at).filter((at) => wanted(kindOf(indices[at]!)));
      if (fitting.length === 0) return [];
      const chosen = Array.from({ length: REQUESTS }, (_, at) => fitting[(at * 7919) % fitting.length]!);
      const paths = chosen.map((at, request) => {
        const tail = kindOf(indices[at]!) === 'free' ? '' : TAILS[request % TAILS.length]!;
        return all[at]!.path + tail;
      });
      return [time(table, paths, chosen)];
    });
    return times.length === 0 ? null : times.reduce((sum, each) => sum + each) / times.length;
  };
  return {
    rules,
    hit: mean(() => true)!,
    miss: time(tables[0]!.table, misses, misses.map(() => -1)), // prettier-ignore
    prefix: mean((kind) => kind === 'prefix')!,
    pattern: mean((kind) => kind === 'pattern')!,
    free: mean((kind) => kind === 'free'),
    group: timeGroup(tables[0]!.table),
    buildMilliseconds: Math.round(tables[0]!.taken),
  };
}

function time(table: RuleTable, paths: readonly string[], expected: readonly number[]): number {
  const heads = paths.map((path) => headOf({ path }));
  heads.forEach((head, at) => {
    if (table.match(head) !== expected[at]) throw new Error(`${paths[at]} gave ${table.match(head)}`);
  });
  return quartile(() => {
    let sum = 0;
    for (const head of heads) sum += table.match(head);
    return sum;
  });
}

function timeGroup(table: RuleTable): number {
  const heads = Array.from({ length: REQUESTS }, (_, at) => headOf({ path: `/app00000/user${at}/page` }));
  return quartile(() => {
    let sum = 0;
    for (const head of heads) sum += table.hashGroup(0, head);
    return sum;
  });
}

/** Nanoseconds per request of a pass over all of them. */
function quartile(pass: () => number): number {
  let sum = 0;
  const once = (passes: number): number => {
    const start = process.hrtime.bigint();
    for (let each = 0; each < passes; each++) sum += pass();
    return Number(process.hrtime.bigint() - start) / passes / REQUESTS;
  };
  once(200);
  const rounds = Array.from({ length: ROUNDS }, () => once(2)).toSorted((a, b) => a - b);
  if (Number.isNaN(sum)) throw new Error('nothing was matched');
  return Math.round(rounds[ROUNDS >> 2]! * 10) / 10;
}

function main(): void {
  const only = process.argv.find((word) => word.startsWith('--rules='));
  if (only !== undefined) {
    console.log(JSON.stringify(measure(Number(only.slice(8)))));
    return;
  }
  const results = SIZES.map((rules): Result => {
    const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), `--rules=${rules}`]);
    return JSON.parse(output.toString()) as Result;
  });
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ node: process.version, results }, null, 2));
    return;
  }
  console.log('nanoseconds per match\n');
  console.log('rules     hit    miss  prefix pattern    free   group   build ms');
  for (const { rules, hit, miss, prefix, pattern, free, group, buildMilliseconds } of results) {
    const columns = [hit, miss, prefix, pattern, free ?? '-', group].map((each) => String(each).padStart(8)).join('');
    console.log(String(rules).padEnd(6) + columns + String(buildMilliseconds).padStart(11));
  }
}

main();
