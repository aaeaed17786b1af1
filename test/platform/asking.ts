/** Requests from outside of the cluster, counted by who served them. */
import { request } from 'node:http';

import { PlaceAgent } from '../cluster/place.ts';

/** Asks so many times, over kept-alive connections in turn; resolves with the counts by node. Every answer must be 200. */
export async function nodesServing(agent: PlaceAgent, url: string, times: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < times; i++) {
    const { status, node } = await ask(agent, url);
    if (status !== 200) throw new Error(`${url}: status ${status}`);
    counts[node] = (counts[node] ?? 0) + 1;
  }
  return counts;
}

export function ask(agent: PlaceAgent, url: string): Promise<{ status: number; node: string; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, timeout: 10_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, node: String(response.headers['x-node'] ?? ''), body }),
      );
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer from ${url}`)));
    outgoing.on('error', reject);
    outgoing.end();
  });
}
