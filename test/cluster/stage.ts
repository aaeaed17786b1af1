/** What the tests of the cluster itself ask of it. */
import { type Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ApiClient, KubeObject } from './api-client.ts';
import { until } from './follow.ts';

export interface Answer {
  readonly status: number;
  /** X-Served-By: the pod. */
  readonly pod: string;
  /** X-Node: where that runs. */
  readonly node: string;
  readonly body: string;
}

/** GET from wherever the agent's connections begin. */
export function get(agent: Agent, url: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, timeout: 10_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('error', reject);
      response.on('end', () => {
        const { 'x-served-by': pod, 'x-node': node } = response.headers;
        resolve({ status: response.statusCode ?? 0, pod: String(pod), node: String(node), body });
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer from ${url}`)));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

export const pods = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`;

export const labelled = (namespace: string, app: string) => `${pods(namespace)}?labelSelector=app%3D${app}`;

export function isReady({ metadata, status }: KubeObject): boolean {
  const conditions = (status?.conditions ?? []) as { type: string; status: string }[];
  const ready = conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  return ready && metadata.deletionTimestamp === undefined;
}

/** The pods of an app, once there are so many, all of them ready, and no others. */
export function untilReadyPods(client: ApiClient, namespace: string, app: string, count: number) {
  return until(client, labelled(namespace, app), (all) => all.length === count && all.every(isReady));
}

/** Asks until the answer is as wished: of files that another process writes, no event tells. */
export async function untilText(read: () => string, wished: RegExp): Promise<string> {
  for (let tries = 0; tries < 600; tries++) {
    const text = read();
    if (wished.test(text)) return text;
    await sleep(50);
  }
  throw new Error(`not ${wished}: ${read()}`);
}
