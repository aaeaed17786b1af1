import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';

import type { Span } from '../model/span.ts';
import { SpanExporter } from './exporter.ts';
import { startCollector } from './fixture/collector.ts';

const SPAN: Span = {
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  parentId: '',
  start: 1_700_000_000_000.25,
  end: 1_700_000_000_012,
  method: 'GET',
  path: '/appc/',
  scheme: 'http',
  host: 'www.example',
  client: '10.0.0.1',
  virtualServer: 'shop/http',
  rule: 'appc',
  server: 'fd00::2:8080',
  status: 200,
  flag: '',
  bytes: 100,
  retries: 0,
};

/** Spans that can be told apart. */
const spans = (count: number, from = 0): Span[] =>
  Array.from({ length: count }, (_, index) => ({ ...SPAN, spanId: (from + index + 1).toString(16).padStart(16, '0') }));

async function setUp(t: TestContext, endpoint?: URL) {
  const collector = await startCollector();
  const lines: string[] = [];
  const exporter = new SpanExporter({
    endpoint: endpoint ?? collector.url,
    headers: { 'X-Api-Key': 'secret' },
    resource: { 'service.name': 'tcpvs' },
    version: '1',
    log: { warn: (fields: object, text: string) => void lines.push(`${JSON.stringify(fields)} ${text}`) },
    gather: 5,
  });
  t.after(async () => {
    await exporter.close(0);
    collector.close();
  });
  return { collector, exporter, lines };
}

const lossesOf = ({ lost }: SpanExporter) => Object.fromEntries([...lost].filter(([, count]) => count > 0));

test('a span arrives as the protocol has it', async (t) => {
  const { collector, exporter } = await setUp(t);
  exporter.add(
    [
      SPAN,
      {
        ...SPAN,
        parentId: 'b7ad6b7169203331',
        method: 'BREW',
        rule: '',
        server: '',
        status: 503,
        flag: 'no_destination',
        retries: 2,
      },
    ],
    0,
  );
  await exporter.close(5000);
  assert.deepEqual(collector.faults, []);
  assert.deepEqual(collector.resources, [{ 'service.name': 'tcpvs' }]);
  assert.equal(collector.requests[0]!.headers['x-api-key'], 'secret');
  const [first, second] = collector.spans;
  assert.deepEqual(first, {
    traceId: SPAN.traceId,
    spanId: SPAN.spanId,
    name: 'GET appc',
    kind: 2,
    startTimeUnixNano: '1700000000000250000',
    endTimeUnixNano: '1700000000012000000',
    attributes: {
      'http.request.method': 'GET',
      'url.scheme': 'http',
      'url.path': '/appc/',
      'server.address': 'www.example',
      'client.address': '10.0.0.1',
      'http.response.status_code': 200,
      'http.response.size': 100,
      'network.peer.address': 'fd00::2',
      'network.peer.port': 8080,
      'tcpvs.virtual_server': 'shop/http',
      'tcpvs.rule': 'appc',
    },
    status: {},
  });
  assert.equal(second?.name, 'HTTP');
  assert.equal(second?.parentSpanId, 'b7ad6b7169203331');
  assert.deepEqual(second?.status, { code: 2, message: 'no_destination' });
  assert.equal(second?.attributes['http.request.method_original'], 'BREW');
  assert.equal(second?.attributes['error.type'], 'no_destination');
  assert.equal(second?.attributes['http.request.resend_count'], 2);
  assert.deepEqual([exporter.sent, lossesOf(exporter)], [2, {}]);
});

test('a client’s own mistake is no failure of the server', async (t) => {
  const { collector, exporter } = await setUp(t);
  exporter.add(
    [
      { ...SPAN, status: 404, flag: 'not_found' },
      { ...SPAN, status: 0, flag: 'client_gone' },
      { ...SPAN, flag: 'redirect', status: 302 },
    ],
    0,
  );
  await exporter.close(5000);
  assert.deepEqual(collector.faults, []);
  assert.deepEqual(
    collector.spans.map(({ status }) => status),
    [{}, {}, {}],
  );
});

test('many go in batches, over one connection, each once', async (t) => {
  const { collector, exporter } = await setUp(t);
  for (let i = 0; i < 20; i++) exporter.add(spans(100, 100 * i), 0);
  await exporter.close(5000);
  assert.equal(new Set(collector.spans.map(({ spanId }) => spanId)).size, 2000);
  assert.ok(collector.requests.every((request) => request.spans <= 512));
  assert.deepEqual([exporter.sent, lossesOf(exporter)], [2000, {}]);
});

test('what the collector cannot take now it gets again; what it refuses is counted', async (t) => {
  const { collector, exporter, lines } = await setUp(t);
  collector.answers.push({ status: 503 }, { status: 429, headers: { 'Retry-After': '0' } });
  exporter.add(spans(3), 0);
  await exporter.close(5000);
  assert.deepEqual([collector.requests.length, collector.spans.length, exporter.sent], [3, 3, 3]);
  assert.deepEqual([lossesOf(exporter), lines], [{}, []]);
});

test('refused, or taken in part: counted, and said once, without the key', async (t) => {
  const { collector, exporter, lines } = await setUp(t);
  collector.answers.push(
    { status: 400, body: 'no' },
    { status: 200, body: '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}' },
  );
  exporter.add(spans(512), 0);
  exporter.add(spans(3, 512), 0);
  await exporter.close(5000);
  assert.deepEqual([exporter.sent, lossesOf(exporter)], [1, { refused: 514 }]);
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /"spans":512.* spans are lost: answered 400: "no"$/);
  assert.doesNotMatch(lines.join(), /secret/);
});

test('a collector that is away, or says nothing, holds up nobody: the queue is bounded, and losses are counted', async (t) => {
  const silent = net.createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => silent.close());
  const { exporter } = await setUp(t, new URL(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`));
  for (let i = 0; i < 50; i++) exporter.add(spans(100, 100 * i), 1);
  // one batch is on its way, the queue holds 4096
  assert.deepEqual(lossesOf(exporter), { overflow: 50 + 5000 - 4096 - 512 });
  await exporter.close(10);
  const { overflow = 0, unreachable = 0 } = lossesOf(exporter);
  assert.deepEqual([exporter.sent, overflow + unreachable], [0, 5050]);
});
