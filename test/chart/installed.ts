/** The chart installed on a real API server, in a namespace that takes restricted pods alone. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { CHART } from '../../charts/tools/helm.ts';
import type { ApiClient } from '../cluster/api-client.ts';
import { type Api, startApi } from '../cluster/api.ts';
import { type CommandResult, run } from '../cluster/run.ts';

export const NAMESPACE = 'edge';
export const TCPVS = '/apis/tcpvs.io/v1alpha1';

export interface Installed {
  readonly api: Api;
  /** In the namespace; its standard output. Errors: what it says. */
  readonly helm: (...args: readonly string[]) => Promise<string>;
  readonly tryHelm: (...args: readonly string[]) => Promise<CommandResult>;
  /** As one of the installation's accounts. */
  readonly account: (name: string) => Promise<ApiClient>;
  stop(): Promise<void>;
}

/** Release `tcpvs`; there are namespaces `shop` and `other` besides. `flags`: of helm install. */
export async function install(...flags: readonly string[]): Promise<Installed> {
  const api = await startApi();
  const tryHelm = (command = '', ...rest: readonly string[]) => {
    const home = join(api.directory, 'helm');
    const where = ['--kubeconfig', api.kubeconfig, '--namespace', NAMESPACE];
    return run([join(api.bin, 'helm'), command, ...where, ...rest], {
      environment: { HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home },
    });
  };
  const helm = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await tryHelm(...args);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  try {
    for (const name of [NAMESPACE, 'shop', 'other']) {
      const metadata = { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } };
      await api.client.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata });
    }
    await helm('install', 'tcpvs', CHART, ...flags);
  } catch (error) {
    await api.stop();
    throw error;
  }
  const account = async (name: string) => api.as(await api.tokenOf(NAMESPACE, name)).client;
  return { api, helm, tryHelm, account, stop: () => api.stop() };
}

/** Asks again until it is so: the API server learns of some things by a watch of its own. */
export async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`after a minute still not: ${what}`);
    await sleep(50);
  }
}
