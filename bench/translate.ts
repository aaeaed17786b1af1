/**
 * Milliseconds of a translation where one thing has changed, among 5,000 Services, as many real servers and virtual servers
 * with a rule each, and a matrix of 2,000 cells on nodes. `node bench/translate.ts [--json] [--write]`. The new map that a source makes
 * for a change is not counted; the median and the 95th of a hundred changes are shown (on a machine that others use, the
 * latter tells about them).
 */
import { parseArgs } from 'node:util';

import type { TcpVirtualServer } from '../src/api/parse.ts';
import { emptyFacts } from '../src/translate/cluster-facts.ts';
import { type ClusterState, emptyState } from '../src/translate/cluster-state.ts';
import { translate, type Translation } from '../src/translate/translate.ts';
import { facts, key, numbers, parsed, servers, slice, withObject, withSlice } from './measure/cluster-objects.ts';
import { keep, textOf } from './measure/keep.ts';
import { circumstances } from './measure/machine.ts';
import type { TranslateResult } from './report/change-results.ts';

const COUNT = 5000;
const CHANGES = 100;
const NODES = 100;
const APPS = 20;

const checkPattern = (): number => 0;

const virtualServer = (index: number, host: string, path = '/') =>
  parsed('TcpVirtualServer', `v${index}`, {
    listeners: [{ name: 'web', port: 80 }],
    rules: [
      {
        name: 'all',
        match: { hosts: [host], path: { type: 'Prefix', value: path } },
        servers: [{ server: `s${index % COUNT}` }],
      },
    ],
  }) as TcpVirtualServer;

/** So many pods, at addresses of their own. */
const pods = (index: number, second: number, count: number) =>
  slice(
    index,
    numbers(count).map((pod) => second + pod),
    NODES,
  );

function stateOfAll(): ClusterState {
  const matrix = parsed('AppWeightMatrix', 'm', {
    apps: numbers(APPS).map((app) => ({ name: `a${app}`, serviceRef: { name: `s${app}` } })),
    rows: numbers(NODES).map((node) => ({
      server: `n${node}`,
      weights: numbers(APPS).map((app) => ({ app: `a${app}`, weight: 1 })),
    })),
  });
  return {
    ...emptyState('Cluster'),
    virtualServers: new Map(
      numbers(COUNT).map((index) => [key(`v${index}`), virtualServer(index, `h${index}.example`)]),
    ),
    realServers: servers(COUNT, NODES),
    matrices: new Map([[key('m'), matrix]]) as ClusterState['matrices'],
    cluster: { ...emptyFacts, ...facts(COUNT, (index) => pods(index, 1, 3), NODES) },
  };
}

const CASES: Readonly<Record<string, (state: ClusterState, round: number) => ClusterState>> = {
  'a slice of a Service': (state, round) => withSlice(state, APPS + round, pods(APPS + round, 50, 2)),
  'a slice of an app on 100 nodes': (state, round) =>
    withSlice(state, round % APPS, pods(round % APPS, 50, 2 + (round % 2))),
  'a path of a rule': (state, round) => withObject(state, virtualServer(round, `h${round}.example`, '/new')),
  'a host of a rule': (state, round) => withObject(state, virtualServer(round, `new${round}.example`)),
  'a new virtual server': (state, round) => withObject(state, virtualServer(COUNT + round, `more${round}.example`)),
  'a node gone': (state, round) => ({
    ...state,
    cluster: {
      ...state.cluster!,
      nodes: new Map([...state.cluster!.nodes].filter(([name]) => name !== `node-${round}`)),
    },
  }),
};

const { values } = parseArgs({ options: { json: { type: 'boolean' }, write: { type: 'boolean' } } });
const on = circumstances();
const result = measure();
if (values.json === true) process.stdout.write(textOf(on, result));
else print(result);
if (values.write === true) keep('translate', on, result);

function measure(): TranslateResult {
  let state = stateOfAll();
  let started = performance.now();
  let translation: Translation = translate(state, { checkPattern });
  const first = hundredths(performance.now() - started);
  const changes = Object.entries(CASES).map(([change, next]) => {
    const times = numbers(CHANGES).map((number) => {
      state = { ...next(state, number), lastGood: translation.lastGood };
      started = performance.now();
      translation = translate(state, { checkPattern, previous: translation.snapshot });
      return performance.now() - started;
    });
    times.sort((a, b) => a - b);
    return { change, median: hundredths(times[CHANGES / 2]!), p95: hundredths(times[Math.floor(CHANGES * 0.95)]!) };
  });
  return { services: COUNT, first, changes };
}

function hundredths(milliseconds: number): number {
  return Math.round(100 * milliseconds) / 100;
}

function print({ first, changes }: TranslateResult): void {
  const { machine, load, versions } = on;
  const head = `${machine}, Node ${versions['node']}, load ${load} at the start; milliseconds; all of it at first: ${first}`;
  console.log(`${head}\n\n${'change'.padEnd(32)}   median      p95`);
  for (const { change, median, p95 } of changes) {
    console.log(`${change.padEnd(32)} ${median.toFixed(2).padStart(8)} ${p95.toFixed(2).padStart(8)}`);
  }
}
