/** The cluster's DNS server: UDP and TCP on one address, port 53. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

import type { ApiClient, KubeObject } from '../../api-client.ts';
import { follow } from '../../follow.ts';
import { readQuestion, writeAnswer } from './wire.ts';
import { resolve, type World } from './zone.ts';

const MOST_BYTES_OF_UDP = 512;
const MOST_BYTES_OF_TCP = 65_535;

export async function startDns(client: ApiClient, address: string): Promise<void> {
  const world = followWorld(client);
  const answer = (query: Buffer, most: number) => {
    const question = readQuestion(query);
    return question && writeAnswer(query, question, resolve(question.name, question.type, world), most);
  };

  const udp = createSocket('udp4');
  udp.on('message', (query, from) => {
    const message = answer(query, MOST_BYTES_OF_UDP);
    if (message !== null) udp.send(message, from.port, from.address);
  });
  udp.bind(53, address);

  const tcp = createServer((socket) => {
    let received: Buffer = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const message = answer(received.subarray(2, end), MOST_BYTES_OF_TCP);
        received = received.subarray(end);
        if (message === null) socket.destroy();
        else socket.write(Buffer.concat([Buffer.from([message.length >> 8, message.length & 0xff]), message]));
      }
    });
  });
  tcp.listen(53, address);
  await Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
}

function followWorld(client: ApiClient): World {
  const services = new Map<string, KubeObject>();
  const slices = new Map<string, Map<string, KubeObject>>();
  follow(client, '/api/v1/services', {
    changed: (service) => services.set(keyOf(service), service),
    gone: (service) => services.delete(keyOf(service)),
  });
  follow(client, '/apis/discovery.k8s.io/v1/endpointslices', {
    changed: (slice) => {
      const owner = ownerOf(slice);
      slices.set(owner, (slices.get(owner) ?? new Map()).set(slice.metadata.name, slice));
    },
    gone: (slice) => slices.get(ownerOf(slice))?.delete(slice.metadata.name),
  });
  return {
    service: (namespace, name) => services.get(`${namespace}/${name}`),
    slices: (namespace, service) => [...(slices.get(`${namespace}/${service}`)?.values() ?? [])],
  };
}

const keyOf = ({ metadata }: KubeObject) => `${metadata.namespace}/${metadata.name}`;
const ownerOf = ({ metadata }: KubeObject) =>
  `${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name'] ?? ''}`;
