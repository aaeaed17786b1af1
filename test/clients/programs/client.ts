/** Usage: node client.ts URL CA-FILE. The requests of test/clients, by node:http(s): one agent with its pool. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { buffer } from 'node:stream/consumers';

const [url = '', caFile = ''] = process.argv.slice(2);
const agent = url.startsWith('https:')
  ? new https.Agent({ keepAlive: true, ca: readFileSync(caFile) })
  : new http.Agent({ keepAlive: true });

async function ask(method: string, path: string, body = ''): Promise<void> {
  const { request } = url.startsWith('https:') ? https : http;
  const sent = request(url + path, { method, agent, timeout: 20_000 });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const content = await buffer(answer);
  const digest = createHash('sha256').update(content).digest('hex');
  process.stdout.write(`${method} ${path} ${answer.statusCode} ${content.length} ${digest}\n`);
}

await ask('GET', '/small');
await ask('GET', '/large');
await ask('POST', '/echo', 'x'.repeat(100_000));
await ask('HEAD', '/small');
await ask('GET', '/missing');
agent.destroy();
