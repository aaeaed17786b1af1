import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { type Collector, startCollector } from '../../src/otlp/fixture/collector.ts';
import { admin, openStage, type Stage, until } from './stage.ts';

let stage: Stage;
let collector: Collector;
afterEach(async () => {
  await stage.close();
  collector.close();
});

const collected = (count: number) =>
  until(
    async () => collector.spans.length,
    (spans) => spans >= count,
  );

test('spans of requests arrive at a collector, those of the last moments too', async () => {
  collector = await startCollector();
  stage = await openStage();
  await stage.start('--otlp-endpoint', collector.url.href, '--trace-sample', '1');
  assert.match(await stage.get('/shop/a?token=secret'), /^web/);
  assert.equal(await stage.get('/nobody'), '404');
  await collected(2);
  const [served, refused] = collector.spans.toSorted((a, b) => (a.name < b.name ? 1 : -1));
  assert.equal(served!.name, 'GET shop');
  assert.equal(served!.attributes['url.path'], '/shop/a');
  assert.equal(served!.attributes['tcpvs.virtual_server'], 'default/http');
  assert.equal(refused!.attributes['tcpvs.flag'], 'not_found');
  const { 'service.name': name, 'service.instance.id': instance } = collector.resources[0]!;
  assert.equal(name, 'tcpvs');
  assert.match(String(instance), /:\d+$/);
  const { body } = await admin(stage, '/metrics');
  assert.match(body, /^tcpvs_trace_spans_sent_total 2$/m);
  assert.match(body, /^tcpvs_trace_spans_lost_total\{reason="overflow"\} 0$/m);

  assert.match(await stage.get('/shop/b', false), /^web/);
  await stage.serve.stop();
  await collected(3);
  assert.deepEqual(collector.faults, []);
  assert.doesNotMatch(JSON.stringify(collector.spans), /secret/);
});

test('half of the requests are traced where half is asked for, over two workers', async () => {
  collector = await startCollector();
  stage = await openStage();
  await stage.start('--otlp-endpoint', collector.url.href, '--trace-sample', '0.5');
  for (let i = 0; i < 40; i++) await stage.get('/shop/x', false);
  await collected(19);
  await stage.serve.stop();
  // each worker has its own count, and may be half a request behind
  assert.ok(collector.spans.length >= 19 && collector.spans.length <= 20, `${collector.spans.length} spans`);
});
