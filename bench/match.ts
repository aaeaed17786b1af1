/**
 * Nanoseconds per match of a request with 1 to 16,000 rules: half prefixes, half KTCPVS-style patterns (`/app12/.*`),
 * up to 100 free patterns among them. `node bench/match.ts [--json]`. The same number of requests, of the same shape,
 * whatever the number of rules; each size in a process of its own. Short rounds and their lower quartile, so that what
 * else runs on the machine counts little. `miss`: no rule takes it.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { Rule } from '../src/model/snapshot.ts';
import { headOf, pathOf, ruleOf } from '../src/router/fixture.ts';
import { RuleTable } from '../src/router/rule-table.ts';

const SIZES = [1, 10, 100, 1000, 16_000];
const REQUESTS = 512;
const ROUNDS = 1000;

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

/** Every tenth rule from 100 rules on, until there are 100. */
function isFree(index: number, rules: number): boolean {
  return rules >= 100 && index % 10 === 9 && index < 1000;
}

function ruleAt(index: number, rules: number): Rule {
  if (isFree(index, rules)) {
    const patterns = [
      `^/api/v[0-9]+/users/[^/]+/item${index}$`,
      `/shop${index}/(cart|order)s?/[0-9]+`,
      `^/[a-z]+/team${index}(/.*)?$`,
      `/files${index}/.*\\.(png|jpe?g)$`,
    ];
    return ruleOf({ path: pathOf('Pattern', patterns[Math.floor(index / 10) % 4]!) });
  }
  return ruleOf({
    path: index % 2 === 0 ? pathOf('Pattern', `/app${index}/.*`) : pathOf('Prefix', `/part${index}/static`),
  });
}

function pathFor(index: number, rules: number): string {
  if (!isFree(index, rules)) return index % 2 === 0 ? `/app${index}/index.html` : `/part${index}/static/a.css`;
  return [
    `/api/v2/users/alice/item${index}`,
    `/shop${index}/orders/4711`,
    `/some/team${index}/page`,
    `/files${index}/a/b/logo.png`,
  ][Math.floor(index / 10) % 4]!;
}

function measure(rules: number): Result {
  const all = Array.from({ length: rules }, (_, index) => ruleAt(index, rules));
  all[0] = ruleOf({ path: pathOf('Pattern', '/app0/(.*)'), hashGroup: 1 });
  const began = performance.now();
  const table = new RuleTable(all);
  const buildMilliseconds = performance.now() - began;
  const of = (wanted: (index: number) => boolean): number | null => {
    const fitting = all.map((_, index) => index).filter(wanted);
    if (fitting.length === 0) return null;
    const indices = Array.from({ length: REQUESTS }, (_, at) => fitting[(at * 7919) % fitting.length]!);
    return time(table, indices.map((index) => pathFor(index, rules)), indices); // prettier-ignore
  };
  const misses = Array.from({ length: REQUESTS }, (_, at) => `/other${at}/page/index.html`);
  return {
    rules,
    hit: of(() => true)!,
    miss: time(table, misses, misses.map(() => -1)), // prettier-ignore
    prefix: of((index) => index % 2 === 1 && !isFree(index, rules)) ?? 0,
    pattern: of((index) => index % 2 === 0)!,
    free: of((index) => isFree(index, rules)),
    group: timeGroup(table),
    buildMilliseconds: Math.round(buildMilliseconds),
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
  const heads = Array.from({ length: REQUESTS }, (_, at) => headOf({ path: `/app0/user${at}/page` }));
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
