/** For the tests of src/kube: a real API server behind a proxy that makes faults, one for each file of tests. */
import { after, afterEach, before } from 'node:test';

import type { Api as Client } from '../../src/kube/api.ts';
import { connectApi } from '../../src/kube/connect.ts';
import { createLogger } from '../../src/telemetry/log.ts';
import { type Api, startApi } from './api.ts';
import { installCrds } from './crds.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';

/** Sets it up before the tests of a suite, and takes it down behind them; its members are there within tests. */
export class KubeStage {
  api!: Api;
  faults!: FaultProxy;
  client!: Client;
  /** What a test has opened; closed behind it, the last one first. */
  readonly closers: (() => Promise<void> | void)[] = [];
  private namespaces = 0;

  constructor() {
    before(async () => {
      this.api = await startApi();
      await installCrds(this.api);
      this.faults = await startFaultProxy(this.api);
      this.client = this.connect();
    });
    afterEach(async () => {
      this.faults.decide = () => null;
      for (const close of this.closers.splice(0).toReversed()) await close();
    });
    after(async () => {
      this.client?.close();
      await this.faults?.stop();
      await this.api?.stop();
    });
  }

  connect(config = this.faults.kubeconfig(this.api.adminToken)): Client {
    return connectApi({ kubeconfig: config, userAgent: 'test' }).api;
  }

  /** A new one. */
  async namespace(): Promise<string> {
    const name = `n${++this.namespaces}`;
    await this.api.client.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    return name;
  }
}

export const configMap = (name: string, value = '') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { value },
});
export const log = createLogger({ level: 'silent' });
