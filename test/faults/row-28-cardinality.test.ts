/**
 * Row 28: what /metrics shows is bounded, however many rules there are and whatever clients ask for: hosts, paths, methods
 * and users of clients' choosing make no series.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';

import { ADDRESS } from '../robustness/address.ts';
import { count, FULL, report } from './figures.ts';
import { load, LoadServer } from './load.ts';
import { type Served, startServe } from './serve.ts';

const RULES = count(500, 5000);
const REQUESTS = count(2000, 20_000);
/** As `--metric-series` has it where nothing is said: of those that grow with objects. */
const BOUND = 500;
/** Series that there are without any object: far fewer. */
const FIXED = 200;

/** Rules of a virtual server: there may be 256. */
const PART = 250;

const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'BREW'];

test('28. series are bounded', { timeout: FULL ? 600_000 : 100_000 }, async (t) => {
  const origin = await LoadServer.start();
  t.after(() => origin.close());
  const serve = async (rules: number, args: readonly string[]) => {
    const parts = Array.from({ length: Math.ceil(rules / PART) }, (_, part) => Math.min(PART, rules - part * PART));
    const served = await startServe({
      servers: [{ port: origin.port }],
      objects: (port) => parts.map((length, part) => virtualServer(`part-${part}`, port, length)),
      args,
    });
    t.after(() => served.stop());
    await load({
      address: served.address,
      port: served.port,
      connections: 16,
      requests: REQUESTS,
      make: (index) => {
        const word = randomBytes(6).toString('hex');
        const [method = ''] = methods.slice(index % methods.length);
        const rule = index % rules;
        const host = index % 10 === 0 ? `${word}.example` : `part-${Math.floor(rule / PART)}.example`;
        const path = `/r${rule % PART}/${word}?${word}`;
        return `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: ${word}\r\n\r\n`;
      },
    });
    return seriesOf(served);
  };
  const many = await serve(RULES, []);
  assert.ok(many.length <= BOUND + FIXED, `${many.length} series of ${RULES} rules`);
  const few = count(50, 500);
  const all = await serve(few, ['--metric-series', '1000000']);
  const perRule = Map.groupBy(
    all.flatMap((line) => /[{,]row="(rule [^"]+)"/.exec(line)?.[1] ?? []),
    (rule) => rule,
  );
  assert.equal(perRule.size, few + 1, 'where there is room, each has its own, and the one for other hosts');
  const most = Math.max(...[...perRule.values()].map(({ length }) => length));
  assert.ok(most <= 20, `${most} series of one rule`);
  report(28, 'series', { rules: RULES, requests: REQUESTS, series: many.length, mostOfOneRule: most });
});

function virtualServer(name: string, port: number, rules: number): object {
  return {
    apiVersion: 'tcpvs.io/v1alpha1',
    kind: 'TcpVirtualServer',
    metadata: { name },
    spec: {
      listeners: [{ name: 'web', address: ADDRESS, port, protocol: 'HTTP' }],
      scheduler: 'http',
      rules: Array.from({ length: rules }, (_, rule) => ({
        name: `${name}-${rule}`,
        match: { hosts: [`${name}.example`], path: { type: 'Prefix', value: `/r${rule}/` } },
        servers: [{ server: 'web0', weight: 1 }],
      })),
    },
  };
}

async function seriesOf(served: Served): Promise<string[]> {
  const { body } = await served.admin('/metrics');
  return body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}
