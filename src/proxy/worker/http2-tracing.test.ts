/** Traces over HTTP/2: each stream is a request with a span of its own, and its context goes on, whatever its server speaks. */
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { describe, test, type TestContext } from 'node:test';

import type { Span } from '../../model/span.ts';
import { startTestProxy } from '../testing.ts';
import { freePort, origin, realServer, rule, to, virtualServer } from './fixture.ts';
import { answerOf, connectTo, request } from './http2-stage.ts';
import { until } from './in-process.ts';
import { streamServer } from './stream-servers.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const FORM = /^00-([\da-f]{32})-([\da-f]{16})-01$/;

type Heard = Record<string, string | string[] | undefined>;

/** @param speak how the server is spoken to */
async function traced(t: TestContext, speak: 'HTTP1' | 'H2C') {
  const heard: Heard[] = [];
  const web =
    speak === 'HTTP1' ? await origin('web', (asked, answer) => answer.end(void heard.push(asked.headers))) : null;
  const streams =
    speak === 'H2C'
      ? await streamServer(t, 'H2C', (asked, answer) => {
          if (asked.url === '/broken') asked.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
          else answer.end(void heard.push(asked.headers));
        })
      : null;
  const port = await freePort();
  const spans: Span[] = [];
  const proxy = await startTestProxy({
    pieces: [
      realServer('web', web?.port ?? streams!.port, { protocol: speak }),
      virtualServer(port, { rules: [rule('all', to('web'))] }),
    ],
    settings: { tracing: { share: 1, exports: true } },
    spans: (more) => spans.push(...more),
  });
  t.after(async () => {
    await proxy.close();
    web?.close();
  });
  return { session: connectTo(t, port), spans, heard };
}

for (const speak of ['HTTP1', 'H2C'] as const) {
  describe(`streams are traced, to a server that is spoken to by ${speak}`, () => {
    test('a trace goes on, with its state: the client’s span is the parent of ours, ours that of the server’s', async (t) => {
      const { session, spans, heard } = await traced(t, speak);
      const context = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'a=1' };
      const { status } = await answerOf(request(session, { ':path': '/a?token=secret', ...context }));
      assert.equal(status, 200);
      const [, traceId, spanId] = FORM.exec(String(heard[0]!['traceparent'])) ?? [];
      assert.equal(traceId, TRACE);
      assert.notEqual(spanId, PARENT);
      assert.equal(heard[0]!['tracestate'], 'a=1');
      await until(() => spans.length === 1, 'no span');
      const [span] = spans;
      assert.deepEqual(
        [span!.traceId, span!.spanId, span!.parentId, span!.path, span!.status, span!.host],
        [TRACE, spanId, PARENT, '/a', 200, 'a.example'],
      );
    });

    test('streams of one connection are traces of their own', async (t) => {
      const { session, spans, heard } = await traced(t, speak);
      await Promise.all(Array.from({ length: 20 }, (_, i) => answerOf(request(session, { ':path': `/${i}` }))));
      await until(() => spans.length === 20, 'a span is missing');
      const told = heard.map((fields) => FORM.exec(String(fields['traceparent']))!);
      assert.equal(new Set(told.map(([, traceId]) => traceId)).size, 20);
      assert.deepEqual(spans.map(({ spanId }) => spanId).toSorted(), told.map(([, , spanId]) => spanId!).toSorted());
      assert.deepEqual(new Set(spans.map(({ parentId }) => parentId)), new Set(['']));
    });
  });
}

test('a stream that its server resets is a span that says so', async (t) => {
  const { session, spans } = await traced(t, 'H2C');
  const { status } = await answerOf(request(session, { ':path': '/broken', ':method': 'POST' }).end());
  assert.equal(status, 502);
  await until(() => spans.length === 1, 'no span');
  assert.deepEqual([spans[0]!.status, spans[0]!.flag], [502, 'reset_by_server']);
});
