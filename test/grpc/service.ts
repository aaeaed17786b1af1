/** The service of gRPC's interoperability tests. Its messages are JSON with a payload: the proxy does not look into them. */
import grpc from '@grpc/grpc-js';

import type { Issued } from '../../src/tls/fixture/authority.ts';

export interface Message {
  /** Lengths of payloads that are asked for, an answer each. */
  readonly sizes?: readonly number[];
  /** How the call is to end. */
  readonly status?: { readonly code: number; readonly message: string };
  /** Sum of payloads. */
  readonly sum?: number;
  readonly payload?: number;
}

const serialize = (message: Message): Buffer => {
  const text = Buffer.from(JSON.stringify({ ...message, payload: undefined }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, Buffer.alloc(message.payload ?? 0)]);
};

/** `payload` is the length of what there was of zeros. */
const deserialize = (bytes: Buffer): Message => {
  if (bytes.length === 0) return {};
  const end = 4 + bytes.readUInt32BE(0);
  const payload = bytes.subarray(end);
  if (payload.some((byte) => byte !== 0)) throw new Error('the payload is not what was sent');
  return { ...(JSON.parse(bytes.toString('utf8', 4, end)) as Message), payload: payload.length };
};

const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/grpc.testing.TestService/${name}`,
  requestStream,
  responseStream,
  requestSerialize: serialize,
  requestDeserialize: deserialize,
  responseSerialize: serialize,
  responseDeserialize: deserialize,
});

export const METHODS = {
  emptyCall: { ...method('EmptyCall', false, false), requestSerialize: () => Buffer.alloc(0) },
  unaryCall: method('UnaryCall', false, false),
  streamingInputCall: method('StreamingInputCall', true, false),
  streamingOutputCall: method('StreamingOutputCall', false, true),
  fullDuplexCall: method('FullDuplexCall', true, true),
  unimplementedCall: method('UnimplementedCall', false, false),
} as const;

const INITIAL = 'x-grpc-test-echo-initial';
const TRAILING = 'x-grpc-test-echo-trailing-bin';

export interface Service {
  readonly port: number;
  /** Calls that have begun, and those that the client has given up. */
  readonly calls: () => number;
  readonly cancelled: () => number;
  close(): void;
}

const failure = ({ code, message }: NonNullable<Message['status']>, metadata: grpc.Metadata) =>
  Object.assign(new Error(message), { code, details: message, metadata });

/** @param secure it is spoken to by TLS, and shows this */
export async function startService(secure: Issued | null = null): Promise<Service> {
  let calls = 0;
  let cancelled = 0;
  /** What custom_metadata sends comes back: in the head, and behind the answer. */
  const echo = (call: {
    metadata: grpc.Metadata;
    sendMetadata(metadata: grpc.Metadata): void;
    on(event: 'cancelled', listener: () => void): unknown;
  }): grpc.Metadata => {
    calls++;
    call.on('cancelled', () => cancelled++);
    const initial = new grpc.Metadata();
    for (const value of call.metadata.get(INITIAL)) initial.add(INITIAL, value);
    call.sendMetadata(initial);
    const trailing = new grpc.Metadata();
    for (const value of call.metadata.get(TRAILING)) trailing.add(TRAILING, value);
    return trailing;
  };
  const server = new grpc.Server();
  const { unimplementedCall: _, ...served } = METHODS;
  server.addService(served, {
    emptyCall(call: grpc.ServerUnaryCall<Message, Message>, answer: grpc.sendUnaryData<Message>) {
      answer(null, {}, echo(call));
    },
    unaryCall(call: grpc.ServerUnaryCall<Message, Message>, answer: grpc.sendUnaryData<Message>) {
      const trailing = echo(call);
      const { sizes = [0], status, payload = 0 } = call.request;
      if (status !== undefined) answer(failure(status, trailing));
      else answer(null, { payload: sizes[0]!, sum: payload }, trailing);
    },
    streamingInputCall(call: grpc.ServerReadableStream<Message, Message>, answer: grpc.sendUnaryData<Message>) {
      const trailing = echo(call);
      let sum = 0;
      call.on('data', ({ payload = 0 }: Message) => (sum += payload));
      call.on('end', () => answer(null, { sum }, trailing));
      call.on('error', () => {});
    },
    streamingOutputCall(call: grpc.ServerWritableStream<Message, Message>) {
      const trailing = echo(call);
      for (const payload of call.request.sizes ?? []) call.write({ payload });
      call.end(trailing);
    },
    fullDuplexCall(call: grpc.ServerDuplexStream<Message, Message>) {
      const trailing = echo(call);
      call.on('data', ({ sizes = [], status }: Message) => {
        if (status !== undefined) call.emit('error', failure(status, trailing));
        else for (const payload of sizes) call.write({ payload });
      });
      call.on('end', () => call.end(trailing));
      call.on('error', () => {});
    },
  });
  const credentials =
    secure === null
      ? grpc.ServerCredentials.createInsecure()
      : grpc.ServerCredentials.createSsl(null, [
          { cert_chain: Buffer.from(secure.certificate), private_key: Buffer.from(secure.privateKey) },
        ]);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return { port, calls: () => calls, cancelled: () => cancelled, close: () => server.forceShutdown() };
}
