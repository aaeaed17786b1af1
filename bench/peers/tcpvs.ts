import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startServe } from '../../src/cli/demo-serve.ts';
import { accepts, type Running } from '../measure/process.ts';
import { WEIGHTS, type Layout } from './peer.ts';

/** Largest number of apps of one matrix. */
const MOST_APPS = 128;

/** tcpvs as a person runs it: from manifests, weights in a matrix, every feature on. */
export async function startTcpvs(layout: Layout): Promise<Running> {
  writeFileSync(join(layout.directory, 'all.yaml'), manifests(layout).join('---\n'));
  const serve = await startServe({
    config: join(layout.directory, 'all.yaml'),
    socket: join(layout.directory, 'admin.sock'),
    workers: layout.workers,
    environment: layout.environment,
    // as the other peers: Linux shares out processors by session (autogroup), and one of its own has to wait longer
    detached: false,
    ...(layout.program === null ? {} : { command: layout.program }),
  });
  for (let tries = 0; tries < 100 && !(await accepts(layout.port)); tries++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return { pid: serve.pid, stop: () => serve.stop(5_000) };
}

function manifests(layout: Layout): string[] {
  const servers = layout.servers.map((port, index) =>
    manifest('RealServer', `web${index}`, [
      'address: 127.0.0.1',
      `port: ${port}`,
      ...(layout.speaksH2c ? ['protocol: H2C'] : []),
    ]),
  );
  const virtualServers = layout.hosts.map(({ name, apps }, index) => {
    if (apps.length > MOST_APPS) throw new Error(`${apps.length} apps for one host, at most ${MOST_APPS}`);
    return manifest('TcpVirtualServer', `http${index}`, [
      'listeners:',
      `  - ${listener(layout)}`,
      'scheduler: hhttp',
      'balance: RoundRobin',
      'matrixRefs:',
      `  - { name: matrix${index} }`,
      'rules:',
      ...apps.flatMap((app) => [
        `  - name: ${app}`,
        `    app: ${app}`,
        '    match:',
        ...(name === null ? [] : [`      hosts: [${name}]`]),
        `      path: { type: Prefix, value: /${app} }`,
      ]),
    ]);
  });
  const matrices = layout.hosts.map(({ apps }, index) =>
    manifest('AppWeightMatrix', `matrix${index}`, [
      'mode: Static',
      'apps:',
      ...apps.map((app) => `  - name: ${app}`),
      'rows:',
      ...layout.servers.flatMap((_, row) => [
        `  - server: web${row}`,
        '    weights:',
        ...apps.map((app) => `      - { app: ${app}, weight: ${WEIGHTS[row] ?? 1} }`),
      ]),
    ]),
  );
  return [...servers, ...matrices, ...virtualServers];
}

/** In JSON, which is YAML. */
function listener({ port, tls }: Layout): string {
  const place = { name: 'web', address: '127.0.0.1', port };
  if (tls === null) return JSON.stringify({ ...place, protocol: 'HTTP' });
  const certificateFiles = [{ certificate: tls.certificate, key: tls.key }];
  return JSON.stringify({ ...place, protocol: 'HTTPS', tls: { certificateFiles } });
}

function manifest(kind: string, name: string, spec: readonly string[]): string {
  const lines = spec.map((line) => `  ${line}`).join('\n');
  return `apiVersion: tcpvs.io/v1alpha1\nkind: ${kind}\nmetadata:\n  name: ${name}\nspec:\n${lines}\n`;
}
