/**
 * `make cluster`: a cluster for a person, with the chart installed and the matrix of examples/12-kubernetes at work, until
 * Ctrl-C. `--port N`: where the proxies are to be had on 127.0.0.1 (8000).
 */
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { type Cluster, startCluster } from './cluster.ts';
import { applyMatrixExample, HOSTS, installChart } from './installation.ts';
import { startRelay } from './relay.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '8000' } } });
const say = (text: string) => process.stdout.write(`${text}\n`);
const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);

const closers: (() => Promise<void>)[] = [];
try {
  await Promise.race([open(Number(values.port)), interrupted]);
  await interrupted;
} catch (error) {
  say((error as Error).message);
  process.exitCode = 1;
} finally {
  for (const close of closers.toReversed()) await close();
  // It may still be opening: what was started for that dies with this process.
  process.exit();
}

async function open(port: number): Promise<void> {
  say('Five nodes and a control plane …');
  const cluster = await startCluster({ nodes: HOSTS });
  closers.push(() => cluster.stop());
  const relay = await startRelay(() => cluster.outside.connect('tcpvs-proxy.tcpvs-system.svc.cluster.local', 80), port);
  closers.push(() => relay.close());
  say('The chart …');
  await installChart(cluster);
  say('The matrix of examples/12-kubernetes …');
  await applyMatrixExample(cluster);
  say(whatToTry(cluster, relay.port));
}

function whatToTry({ directory, kubeconfig, bin }: Cluster, port: number): string {
  const config = join(directory, 'kubeconfig');
  symlinkSync(kubeconfig, config);
  return `
It is up: nodes web1 to web5, tcpvs in tcpvs-system, the apps and their matrix in eapac. In another terminal:

  export KUBECONFIG=${config} PATH=${bin}:${join(import.meta.dirname, '../../bin')}:$PATH

  kubectl -n eapac get tvs,rsv,awm
  kubectl tcpvs -n eapac -L                     # the matrices: asked shares, and delivered ones
  for i in $(seq 100); do curl -s -o /dev/null -D - http://127.0.0.1:${port}/appc/ | grep -i x-node; done | sort | uniq -c

Change something, and ask again:

  kubectl -n eapac edit awm eapac               # other weights
  kubectl -n eapac scale deploy appd --replicas=4
  kubectl drain web2 --ignore-daemonsets        # then: kubectl uncordon web2
  kubectl -n eapac describe rsv web2            # the events tell what happened

There is no kubelet to ask for logs; they are in ${directory}/pods. Ctrl-C ends all of it.`;
}
