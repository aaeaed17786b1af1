import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { parseExposition } from './exposition-check.ts';
import { counter, gauge, renderFamilies } from './exposition.ts';
import { sampleInput } from './fixture.ts';
import { OTHER } from './metrics-traffic.ts';
import { collectMetrics } from './metrics.ts';
import { divide, SeriesBudget } from './series.ts';

test('everything that is shown is valid exposition format and has the figures that went in', () => {
  const samples = parseExposition(renderFamilies(collectMetrics(sampleInput(3, 4), new SeriesBudget(1000))));
  const value = (name: string, labels: Record<string, string> = {}) =>
    samples.find((s) => s.name === name && Object.entries(labels).every(([k, v]) => s.labels[k] === v))?.value;
  assert.equal(value('tcpvs_build_info', { version: '1.2.3' }), 1);
  assert.equal(value('tcpvs_config_generation'), 3);
  assert.equal(value('tcpvs_config_hash'), 0x0123456789ab);
  assert.equal(value('tcpvs_objects', { kind: 'RealServer', status: 'not_ready' }), 1);
  assert.equal(value('tcpvs_objects', { kind: 'AppWeightMatrix', status: 'ready' }), 0);
  assert.equal(value('tcpvs_requests_total', { virtualserver: 'demo/http1', app: 'app1', code_class: '2xx' }), 11);
  assert.equal(value('tcpvs_requests_total', { app: 'app1', code_class: '5xx' }), undefined);
  assert.equal(value('tcpvs_request_duration_seconds_bucket', { virtualserver: 'demo/http0', le: '0.000256' }), 9);
  assert.equal(value('tcpvs_request_duration_seconds_count', { virtualserver: 'demo/http0' }), 32);
  const cell = { row: 'matrix demo/eapac', app: 'app2', server: 'demo/web1' };
  assert.equal(value('tcpvs_cell_requests_total', cell), 5);
  assert.equal(value('tcpvs_cell_share_asked_ratio', cell), 1 / 3);
  assert.equal(value('tcpvs_cell_share_delivered_ratio', { app: 'app2', server: 'demo/web0' }), undefined);
  assert.equal(value('tcpvs_endpoint_healthy', { server: 'demo/web1', endpoint: '127.0.0.1:8081' }), 0);
  assert.equal(value('tcpvs_endpoint_inflight', { endpoint: '[::1]:8082' }), 2);
  assert.equal(value('tcpvs_limit_hits_total', { limit: 'header_bytes' }), 2);
  assert.equal(value('tcpvs_request_failures_total', { reason: 'not_found' }), 3);
  assert.equal(value('tcpvs_worker_restarts_total', { worker: '1' }), 2);
  assert.equal(value('tcpvs_metric_series_dropped_total'), 0);
});

test('before the serving process has started there are metrics too', () => {
  const samples = parseExposition(
    renderFamilies(collectMetrics({ ...sampleInput(1, 1), traffic: null }, new SeriesBudget(9))),
  );
  assert.ok(samples.some((s) => s.name === 'tcpvs_build_info'));
  assert.ok(!samples.some((s) => s.name === 'tcpvs_requests_total'));
});

test('5,000 apps stay below 600 series; what is left out is added up and counted', () => {
  const budget = new SeriesBudget(500);
  const big = sampleInput(4, 5000);
  const samples = parseExposition(renderFamilies(collectMetrics(big, budget)));
  assert.ok(samples.length < 600, `${samples.length} series`);
  const total = (name: string) => samples.filter((s) => s.name === name).reduce((n, s) => n + s.value, 0);
  assert.equal(total('tcpvs_cell_requests_total'), 5 * 4 * 5000);
  const asked = Array.from({ length: 5000 }, (_, i) => 11 + i).reduce((a, b) => a + b, 0);
  assert.equal(total('tcpvs_requests_total'), asked);
  assert.ok(samples.some((s) => s.labels['app'] === OTHER));
  assert.ok(budget.dropped > 20_000);
});

test('a shown series keeps its place while others come and go', () => {
  const budget = new SeriesBudget(2);
  const admit = (...keys: string[]) => [...(budget.admit(new Map([['a', { keys, cost: 1 }]])).get('a') ?? [])];
  assert.deepEqual(admit('x', 'y', 'z'), ['x', 'y']);
  assert.deepEqual(admit('a', 'z', 'y', 'x'), ['x', 'y']);
  assert.deepEqual(admit('z', 'y'), ['y', 'z']);
  assert.equal(budget.dropped, 3);
});

test('the budget is divided without waste and without excess', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.array(fc.nat(1000), { maxLength: 8 }), (budget, demands) => {
      const named = demands.map((demand, i) => ({ family: `f${i}`, demand }));
      const parts = divide(budget, named);
      const given = [...parts.values()].reduce((a, b) => a + b, 0);
      const wanted = demands.reduce((a, b) => a + b, 0);
      assert.ok(given <= budget);
      for (const { family, demand } of named) assert.ok((parts.get(family) ?? 0) <= demand);
      assert.ok(given >= Math.min(wanted, budget));
    }),
  );
});

test('whatever stands in labels and help comes out readable and unchanged', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.double(), (text, value) => {
      const parsed = parseExposition(
        renderFamilies([gauge('tcpvs_x', `help ${text}x`, [{ labels: { a: text }, value }])]),
      );
      assert.equal(parsed[0]?.labels['a'], text);
      assert.ok(Object.is(parsed[0]?.value, value) || parsed[0]?.value === value);
    }),
    {
      examples: [
        ['\r', 0],
        ['\u2028', 1],
        ['a"\\\n', 2],
      ],
    },
  );
});

test('the checker refuses what the format refuses', () => {
  const bad = [
    'x 1',
    '# HELP a_total x\n# TYPE a_total counter\na_total 1',
    '# HELP a x\n# TYPE a counter\na 1\n',
    '# HELP a x\n# TYPE a gauge\nb 1\n',
    '# HELP a x\n# TYPE a gauge\na{l="x} 1\n',
    '# HELP a x\n# TYPE a gauge\na{l="x"} one\n',
    '# HELP a x\n# TYPE a gauge\na 1\na 2\n',
    '# HELP h x\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
  ];
  for (const text of bad) assert.throws(() => parseExposition(text), Error, text);
  assert.equal(parseExposition(renderFamilies([counter('a_total', 'x', 3)]))[0]?.value, 3);
});
