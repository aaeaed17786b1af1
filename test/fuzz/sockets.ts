/**
 * Fuzzing of the whole data path: hostile bytes from clients and from servers over real sockets. Whatever is sent, the
 * origin reads nothing but well-formed requests, the client nothing but well-formed answers, and the proxy lives.
 */
import { type Conversation, talk } from '../robustness/client.ts';
import { startProxy } from '../robustness/harness.ts';
import { OK, Origin } from '../robustness/origin.ts';
import { FIN } from '../robustness/steps.ts';
import type { CodecFailure } from './codec.ts';
import { answer, chunkedBody, request } from './grammar.ts';
import { mutate, Random } from './random.ts';

const LANES = 8;

function clientInput(random: Random): string {
  let input = '';
  for (let left = 1 + random.below(3); left > 0; left--) {
    input += request(random);
    if (random.chance(0.5)) input += random.chance(0.7) ? chunkedBody(random) : 'hello';
  }
  if (random.chance(0.7)) input = mutate(random, input);
  // The reader of answers would have to know which of the requests is answered.
  return input.replaceAll('HEAD', 'LOCK');
}

function serverAnswer(random: Random): string {
  let text = answer(random) + (random.chance(0.5) ? chunkedBody(random) : 'hello');
  if (random.chance(0.7)) text = mutate(random, text);
  return text;
}

/** One connection: bytes in two or three segments, then the end. */
async function one(port: number, input: string, random: Random): Promise<Conversation> {
  const at = random.below(input.length + 1);
  return talk(port, [input.slice(0, at), input.slice(at), FIN], { patience: 10_000 });
}

export async function fuzzSockets(
  iterations: number,
  seed: number,
): Promise<{ inputs: number; failures: CodecFailure[] }> {
  const failures: CodecFailure[] = [];
  const origins = await Promise.all(Array.from({ length: LANES }, () => Origin.start()));
  const proxy = await startProxy(
    origins.map((origin) => ({
      origins: [origin.port],
      limits: { headTimeout: 2000, readTimeout: 2000 },
      timeouts: { request: 500, idle: 500 },
    })),
  );
  let inputs = 0;
  const lane = async (origin: Origin, port: number) => {
    while (inputs < iterations && failures.length < 10) {
      const random = new Random(seed * 0x9e3779b1 + inputs++);
      const input = clientInput(random);
      const wellBehaved = random.chance(0.5);
      const said: string[] = [];
      origin.onRequest = (exchange) => {
        const text = wellBehaved ? OK : serverAnswer(random);
        said.push(text);
        return random.chance(0.5) ? exchange.send(text, FIN) : exchange.send(text);
      };
      const conversation = await one(port, input, random);
      const what: string[] = [...origin.problems];
      // A hostile server may spoil the body of its own answer, never the head or what stands around it.
      const bad = conversation.reader.problems.filter((problem) => wellBehaved || !problem.startsWith('chunk'));
      what.push(...bad);
      if (conversation.ended === 'hang') what.push('hang');
      if (what.length > 0) {
        failures.push({ kind: 'sockets', input, what: `${what.join('; ')}; servers said ${JSON.stringify(said)}` });
      }
      const alive = await talk(port, ['GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'], { patience: 10_000 });
      if (alive.ended === 'hang') failures.push({ kind: 'sockets', input, what: 'the proxy does not answer any more' });
      for (const { socket } of origin.connections.splice(0)) socket.destroy();
      origin.started.length = origin.completed.length = 0;
    }
  };
  await Promise.all(origins.map((origin, index) => lane(origin, proxy.ports[index]!)));
  for (const origin of origins) origin.close();
  await proxy.close();
  return { inputs, failures };
}
