/** The cases of gRPC's interoperability tests, through the proxy: in plain text, and through TLS on one side and on both. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';

import grpc from '@grpc/grpc-js';

import { startTestProxy, type TestProxy } from '../../src/proxy/testing.ts';
import {
  authorityPiece,
  certificatePiece,
  freePort,
  realServer,
  rule,
  to,
  virtualServer,
} from '../../src/proxy/worker/fixture.ts';
import { until } from '../../src/proxy/worker/in-process.ts';
import { makeAuthority } from '../../src/tls/fixture/authority.ts';
import { METHODS, startService, type Message, type Service } from './service.ts';

const authority = makeAuthority();
const certificate = certificatePiece('grpc', authority.issue({ names: ['grpc.example'] }));
const INITIAL = 'x-grpc-test-echo-initial';
const TRAILING = 'x-grpc-test-echo-trailing-bin';

const Client = grpc.makeGenericClientConstructor(METHODS, 'TestService');
const Other = grpc.makeGenericClientConstructor(
  { call: { ...METHODS.emptyCall, path: '/grpc.testing.UnimplementedService/UnimplementedCall' } },
  'UnimplementedService',
);

type Call = grpc.ClientDuplexStream<Message, Message> & grpc.ClientWritableStream<Message>;
type Unary = (
  request: Message,
  metadata: grpc.Metadata,
  options: grpc.CallOptions,
  answered: (error: grpc.ServiceError | null, answer?: Message) => void,
) => grpc.ClientUnaryCall;

interface Ended {
  readonly error: grpc.ServiceError | null;
  readonly answer: Message | undefined;
  readonly initial: grpc.Metadata | null;
  readonly status: grpc.StatusObject;
}

/** How a call ends; an error is no fault here. */
function statusOf(call: Call): Promise<grpc.StatusObject> {
  call.on('error', () => {});
  return new Promise((resolve) => {
    call.on('status', resolve);
  });
}

const shown = authority.issue({ names: ['service.example'] });
const terms = { hostname: 'service.example', ca: ['test/services'], clientCertificate: null };

const WAYS = [
  { name: 'in plain text', isSecure: false, toServers: false },
  { name: 'through TLS', isSecure: true, toServers: false },
  { name: 'through TLS to servers', isSecure: false, toServers: true },
  { name: 'through TLS on both sides', isSecure: true, toServers: true },
];

for (const { name: way, isSecure, toServers } of WAYS) {
  describe(`gRPC ${way}`, () => {
    let services: Service[] = [];
    let proxy: TestProxy;
    let client: grpc.Client;
    let other: grpc.Client;

    before(async () => {
      const secure = toServers ? shown : null;
      services = [await startService(secure), await startService(secure)];
      const port = await freePort();
      const spoken = toServers ? ({ protocol: 'H2', tls: terms } as const) : ({ protocol: 'H2C' } as const);
      const servers = services.map((service, i) => realServer(`s${i}`, service.port, spoken));
      const rules = [rule('all', to('s0', 's1'))];
      proxy = await startTestProxy({
        pieces: [
          ...servers,
          certificate,
          authorityPiece('services', authority.certificate),
          virtualServer(
            port,
            isSecure ? { rules, protocol: 'HTTPS', tls: { certificates: ['test/grpc'] } } : { rules },
          ),
        ],
      });
      const credentials = isSecure
        ? grpc.credentials.createSsl(Buffer.from(authority.certificate))
        : grpc.credentials.createInsecure();
      const options = { 'grpc.ssl_target_name_override': 'grpc.example', 'grpc.default_authority': 'grpc.example' };
      client = new Client(`127.0.0.1:${port}`, credentials, options);
      other = new Other(`127.0.0.1:${port}`, credentials, options);
    });

    after(async () => {
      client.close();
      other.close();
      for (const service of services) service.close();
      await proxy.close();
    });

    const unary = (name: string, request: Message, metadata = new grpc.Metadata(), on = client): Promise<Ended> =>
      new Promise((resolve) => {
        let initial: grpc.Metadata | null = null;
        let ended: { error: grpc.ServiceError | null; answer: Message | undefined } | null = null;
        let status: grpc.StatusObject | null = null;
        const finish = () => {
          if (ended !== null && status !== null) resolve({ ...ended, initial, status });
        };
        const call = (on as unknown as Record<string, Unary>)[name]!(request, metadata, {}, (error, answer) => {
          ended = { error, answer };
          finish();
        });
        call.on('metadata', (got: grpc.Metadata) => (initial = got));
        call.on('status', (got: grpc.StatusObject) => {
          status = got;
          finish();
        });
      });
    const stream = (name: string, ...words: unknown[]): Call =>
      (client as unknown as Record<string, (...words: unknown[]) => Call>)[name]!(...words);
    const cancelled = () => services.reduce((sum, service) => sum + service.cancelled(), 0);
    const calls = () => services.reduce((sum, service) => sum + service.calls(), 0);

    test('empty_unary', async () => {
      const { error, answer } = await unary('emptyCall', {});
      assert.equal(error, null);
      assert.deepEqual(answer, { payload: 0 });
    });

    test('large_unary', async () => {
      const { error, answer } = await unary('unaryCall', { sizes: [314_159], payload: 271_828 });
      assert.equal(error, null);
      assert.deepEqual([answer?.payload, answer?.sum], [314_159, 271_828]);
    });

    test('client_streaming', async () => {
      const answer = await new Promise<Message | undefined>((resolve, reject) => {
        const call = stream('streamingInputCall', (error: Error | null, got?: Message) =>
          error === null ? resolve(got) : reject(error),
        );
        for (const payload of [27_182, 8, 1828, 45_904]) call.write({ payload });
        call.end();
      });
      assert.equal(answer?.sum, 74_922);
    });

    test('server_streaming', async () => {
      const got: (number | undefined)[] = [];
      const call = stream('streamingOutputCall', { sizes: [31_415, 9, 2653, 58_979] });
      call.on('data', ({ payload }: Message) => got.push(payload));
      const status = await statusOf(call);
      assert.equal(status.code, grpc.status.OK);
      assert.deepEqual(got, [31_415, 9, 2653, 58_979]);
    });

    test('ping_pong', async () => {
      const call = stream('fullDuplexCall');
      const rounds = [
        [31_415, 27_182],
        [9, 8],
        [2653, 1828],
        [58_979, 45_904],
      ] as const;
      for (const [size, payload] of rounds) {
        call.write({ sizes: [size], payload });
        const [answer] = (await once(call, 'data')) as [Message];
        assert.equal(answer.payload, size);
      }
      call.end();
      call.resume();
      const status = await statusOf(call);
      assert.equal(status.code, grpc.status.OK);
    });

    test('empty_stream', async () => {
      const call = stream('fullDuplexCall');
      const got: Message[] = [];
      call.on('data', (message: Message) => got.push(message));
      call.end();
      const status = await statusOf(call);
      assert.equal(status.code, grpc.status.OK);
      assert.deepEqual(got, []);
    });

    test('custom_metadata', async () => {
      const metadata = new grpc.Metadata();
      metadata.set(INITIAL, 'test_initial_metadata_value');
      metadata.set(TRAILING, Buffer.from([0xab, 0xab, 0xab]));
      const { initial, status } = await unary('unaryCall', { sizes: [314_159], payload: 271_828 }, metadata);
      assert.deepEqual(initial?.get(INITIAL), ['test_initial_metadata_value']);
      assert.deepEqual(status.metadata.get(TRAILING), [Buffer.from([0xab, 0xab, 0xab])]);
      const call = stream('fullDuplexCall', metadata);
      const first = once(call, 'metadata') as Promise<[grpc.Metadata]>;
      const ended = statusOf(call);
      call.write({ sizes: [314_159], payload: 271_828 });
      call.end();
      call.resume();
      assert.deepEqual((await first)[0].get(INITIAL), ['test_initial_metadata_value']);
      assert.deepEqual((await ended).metadata.get(TRAILING), [Buffer.from([0xab, 0xab, 0xab])]);
    });

    test('status_code_and_message', async () => {
      const status = { code: grpc.status.UNKNOWN, message: 'test status message' };
      const { error } = await unary('unaryCall', { status });
      assert.deepEqual([error?.code, error?.details], [status.code, status.message]);
      const call = stream('fullDuplexCall');
      call.on('error', () => {});
      const ended = statusOf(call);
      call.write({ status });
      call.end();
      call.resume();
      const { code, details } = await ended;
      assert.deepEqual([code, details], [status.code, status.message]);
    });

    test('special_status_message', async () => {
      const message = '\t\ntest with whitespace\r\nand Unicode BMP \u263A and non-BMP \u{1F608}\t\n';
      const { error } = await unary('unaryCall', { status: { code: grpc.status.UNKNOWN, message } });
      assert.deepEqual([error?.code, error?.details], [grpc.status.UNKNOWN, message]);
    });

    test('unimplemented_method', async () => {
      const { error } = await unary('unimplementedCall', {});
      assert.equal(error?.code, grpc.status.UNIMPLEMENTED);
    });

    test('unimplemented_service', async () => {
      const { error } = await unary('call', {}, new grpc.Metadata(), other);
      assert.equal(error?.code, grpc.status.UNIMPLEMENTED);
    });

    test('cancel_after_begin', async () => {
      const earlier = cancelled();
      const begun = calls();
      const failed = new Promise<grpc.ServiceError | null>((resolve) => {
        const call = stream('streamingInputCall', (error: grpc.ServiceError | null) => resolve(error));
        void until(() => calls() > begun, 'the call does not arrive').then(() => call.cancel());
      });
      assert.equal((await failed)?.code, grpc.status.CANCELLED);
      await until(() => cancelled() > earlier, 'the server does not hear of it');
    });

    test('cancel_after_first_response', async () => {
      const earlier = cancelled();
      const call = stream('fullDuplexCall');
      call.on('error', () => {});
      const ended = statusOf(call);
      call.write({ sizes: [31_415], payload: 27_182 });
      await once(call, 'data');
      call.cancel();
      assert.equal((await ended).code, grpc.status.CANCELLED);
      await until(() => cancelled() > earlier, 'the server does not hear of it');
    });

    test('timeout_on_sleeping_server', async () => {
      const earlier = cancelled();
      const call = stream('fullDuplexCall', { deadline: Date.now() + 50 });
      call.on('error', () => {});
      const ended = statusOf(call);
      call.write({ payload: 27_182 });
      assert.equal((await ended).code, grpc.status.DEADLINE_EXCEEDED);
      await until(() => cancelled() > earlier, 'the server does not hear of it');
    });

    test('calls of one connection are balanced one by one', async () => {
      const earlier = services.map((service) => service.calls());
      for (let i = 0; i < 10; i++) assert.equal((await unary('emptyCall', {})).error, null);
      assert.deepEqual(
        services.map((service, i) => service.calls() - earlier[i]!),
        [5, 5],
      );
    });

    test('many calls at once, streams of both directions among them', async () => {
      const all = Array.from({ length: 60 }, async (_, i) => {
        if (i % 2 === 0) return (await unary('unaryCall', { sizes: [10_000 + i], payload: i })).answer?.payload;
        const call = stream('fullDuplexCall');
        let sum = 0;
        call.on('data', ({ payload = 0 }: Message) => (sum += payload));
        for (let part = 0; part < 10; part++) call.write({ sizes: [1000], payload: 20_000 });
        call.write({ sizes: [i] });
        call.end();
        await statusOf(call);
        return sum;
      });
      assert.deepEqual(
        await Promise.all(all),
        all.map((_, i) => 10_000 + i),
      );
    });
  });
}
