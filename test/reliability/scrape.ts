/** What the product's pods say of themselves, each for itself. */
import { parseExposition } from '../../src/telemetry/exposition-check.ts';
import type { KubeObject } from '../cluster/api-client.ts';
import { type Stage, SYSTEM } from './stage.ts';

export interface Scraped {
  readonly pod: string;
  readonly component: 'controller' | 'proxy';
  readonly version: string;
  /** `tcpvs_config_hash`; null: it has no snapshot yet. */
  readonly hash: number | null;
}

const PORTS = { controller: 8080, proxy: 9000 } as const;

/** Of all that are not on their way out. Errors: one that does not answer. */
export async function scrape(stage: Stage): Promise<Scraped[]> {
  const { cluster } = stage;
  const each = Object.entries(PORTS).map(async ([component, port]) => {
    const selector = `labelSelector=app.kubernetes.io%2Fcomponent%3D${component}`;
    const pods = await cluster.client.list(`/api/v1/namespaces/${SYSTEM}/pods?${selector}`);
    const there = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    return Promise.all(there.map((pod) => scrapeOne(stage, pod, component as keyof typeof PORTS, port)));
  });
  return (await Promise.all(each)).flat();
}

async function scrapeOne(
  { cluster }: Stage,
  { metadata, status }: KubeObject,
  component: keyof typeof PORTS,
  port: number,
): Promise<Scraped> {
  const url = `http://${status?.podIP}:${port}/metrics`;
  const { code, stdout, stderr } = await cluster.outside.run(['curl', '-sSf', '--max-time', '5', url]);
  if (code !== 0) throw new Error(`${metadata.name}: ${stderr}`);
  const samples = parseExposition(stdout);
  const build = samples.find(({ name }) => name === 'tcpvs_build_info');
  const hash = samples.find(({ name }) => name === 'tcpvs_config_hash');
  return { pod: metadata.name, component, version: build?.labels['version'] ?? '', hash: hash?.value ?? null };
}
