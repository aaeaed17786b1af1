import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';

import type { Span } from '../../model/span.ts';
import type { TracingSettings } from '../messages.ts';
import { startTestProxy } from '../testing.ts';
import { ask, freePort, origin, realServer, rule, to, virtualServer } from './fixture.ts';
import { until } from './in-process.ts';
import { type Trace, Tracing } from './tracing.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const FORM = /^00-([\da-f]{32})-([\da-f]{16})-(0[01])$/;

async function proxy(t: TestContext, tracing: TracingSettings | null, trustedProxies: string[] = []) {
  const web = await origin('web');
  const port = await freePort();
  const spans: Span[] = [];
  const running = await startTestProxy({
    pieces: [
      realServer('web', web.port),
      virtualServer(port, { rules: [rule('all', to('web'), { methods: ['GET'] })] }),
    ],
    settings: { trustedProxies, tracing },
    spans: (more) => spans.push(...more),
  });
  t.after(async () => {
    await running.close();
    web.close();
  });
  const get = async (headers: Record<string, string | string[]>, path = '/a?token=secret') => {
    await ask(port, path, { headers });
    return web.requests.at(-1)!.headers;
  };
  return { get, port, web, spans };
}

it('what is not traced passes as it came', async (t) => {
  const { get, spans } = await proxy(t, null);
  const context = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'a=1' };
  const { traceparent, tracestate } = await get(context);
  assert.deepEqual({ traceparent, tracestate }, context);
  assert.equal((await get({}))['traceparent'], undefined);
  assert.deepEqual((await get({ traceparent: 'nonsense' }))['traceparent'], 'nonsense');
  assert.deepEqual(spans, []);
});

it('a trace begins where there is none, and is a span with what happened', async (t) => {
  const { get, spans, web } = await proxy(t, { share: 1, exports: true });
  const [, traceId, spanId, flags] = FORM.exec(String((await get({ tracestate: 'a=1' }))['traceparent'])) ?? [];
  assert.equal(flags, '01');
  assert.equal(web.requests.at(-1)!.headers['tracestate'], undefined, 'a state without a parent is nobody’s');
  await until(() => spans.length === 1, 'no span');
  const { start, end, bytes, ...span } = spans[0]!;
  assert.deepEqual(span, {
    traceId,
    spanId,
    parentId: '',
    method: 'GET',
    path: '/a',
    scheme: 'http',
    host: '127.0.0.1',
    client: '127.0.0.1',
    virtualServer: 'test/main',
    rule: 'all',
    server: `127.0.0.1:${web.port}`,
    status: 200,
    flag: '',
    retries: 0,
  });
  assert.ok(end >= start && Math.abs(Date.now() - end) < 600_000 && bytes > 0);
});

it('a trace goes on, with its state, and the server is asked by us', async (t) => {
  const { get, spans } = await proxy(t, { share: 1, exports: true });
  const headers = await get({ traceparent: `00-${TRACE}-${PARENT}-00`, tracestate: 'a=1,b=2' });
  const [, traceId, spanId, flags] = FORM.exec(String(headers['traceparent'])) ?? [];
  assert.deepEqual([traceId, flags, headers['tracestate']], [TRACE, '01', 'a=1,b=2']);
  assert.notEqual(spanId, PARENT);
  await until(() => spans.length === 1, 'no span');
  assert.deepEqual([spans[0]!.traceId, spans[0]!.spanId, spans[0]!.parentId], [TRACE, spanId, PARENT]);
});

it('a peer that is believed decides what is recorded; a stranger does not', async (t) => {
  for (const [trusted, share, flags, recorded] of [
    [true, 0, '01', true],
    [true, 1, '00', false],
    [false, 0, '01', false],
    [false, 1, '00', true],
  ] as const) {
    const { get, spans } = await proxy(t, { share, exports: true }, trusted ? ['127.0.0.0/8'] : []);
    const given = `00-${TRACE}-${PARENT}-${flags}`;
    const { traceparent } = await get({ traceparent: given });
    assert.equal(traceparent !== given, recorded, `${trusted} ${share} ${flags}`);
    if (recorded) await until(() => spans.length === 1, 'no span');
    else assert.deepEqual(spans, []);
  }
});

it('two parents, or one that is none, begin a trace anew', async (t) => {
  const { get } = await proxy(t, { share: 0, exports: true });
  const right = `00-${TRACE}-${PARENT}-01`;
  for (const traceparent of [[right, right], 'nonsense', `ff${right.slice(2)}`, `${right}${'-x'.repeat(300)}`]) {
    const headers = await get({ traceparent, tracestate: 'a=1' });
    const [, traceId, , flags] = FORM.exec(String(headers['traceparent'])) ?? [];
    assert.ok(traceId !== undefined && traceId !== TRACE, String(headers['traceparent']));
    assert.deepEqual([flags, headers['tracestate']], ['00', undefined]);
  }
});

it('without anywhere to send spans, traces begin, and none goes by way of us', async (t) => {
  const { get, spans } = await proxy(t, { share: 1, exports: false });
  assert.match(String((await get({}))['traceparent']), /-01$/);
  const given = `00-${TRACE}-${PARENT}-01`;
  assert.equal((await get({ traceparent: given }))['traceparent'], given);
  assert.deepEqual(spans, []);
});

it('what ends without an answer of a server is a span with its flag', async (t) => {
  const { port, spans } = await proxy(t, { share: 1, exports: true });
  await ask(port, '/', { method: 'DELETE' });
  await until(() => spans.length === 1, 'no span');
  assert.deepEqual([spans[0]!.status, spans[0]!.flag, spans[0]!.server], [404, 'not_found', '']);
});

it('more spans than the main thread shall take at once are counted, not kept', () => {
  const told: [number, number][] = [];
  const tracing = new Tracing({ share: 1, exports: true }, (spans, dropped) => told.push([spans.length, dropped]));
  const trace: Trace = { traceId: TRACE, spanId: PARENT, parentId: '', recorded: true, line: '' };
  const of = {} as Parameters<Tracing['record']>[2];
  for (let i = 0; i < 300; i++) tracing.record(trace, 1, of);
  tracing.flush();
  tracing.flush();
  tracing.record(trace, 1, of);
  tracing.flush();
  assert.deepEqual(told, [
    [256, 44],
    [1, 0],
  ]);
});
