/** The chart running in a cluster: `helm test`, and what its accounts did beside what they may do, by the audit log. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';

import { skipReason } from '../cluster/binaries.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { until } from '../cluster/follow.ts';
import { applyMatrixExample, HOSTS, installChart } from '../cluster/installation.ts';
import { auditEvents, compareWithAudit } from './audit.ts';
import { rightsOf } from './rights.ts';
import { rendered } from './stage.ts';

const NAMESPACE = 'tcpvs-system';
const CONTROLLER = `system:serviceaccount:${NAMESPACE}:tcpvs-controller`;
const PROXY = `system:serviceaccount:${NAMESPACE}:tcpvs-proxy`;

/** Rights that this short life does not need. */
const NOT_HERE = [
  // Only an event that repeats is patched.
  `${CONTROLLER}: patch * events`,
  // Gateway API is not installed.
  `${CONTROLLER}: list * referencegrants`,
  `${CONTROLLER}: watch * referencegrants`,
  // No object turns bad.
  ...['create', 'delete', 'get', 'list', 'watch'].map((verb) => `${CONTROLLER}: ${verb} * controllerrevisions`),
];

describe('the chart in a cluster', { skip: skipReason(), timeout: 400_000 }, () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: HOSTS });
    await installChart(cluster);
  });
  after(() => cluster?.stop());

  it('helm test asks every proxy, and passes', async () => {
    const { code, stdout, stderr } = await cluster.helm(['test', 'tcpvs', '--namespace', NAMESPACE]);
    assert.equal(code, 0, stderr + stdout);
    assert.match(stdout, /Phase:\s+Succeeded/);
  });

  it('example 12 becomes ready', () => applyMatrixExample(cluster));

  it('its accounts did nothing that they may not, and may nothing that they do not need', async () => {
    const scale = ['-n', NAMESPACE, 'scale', 'deployment', '--all', '--replicas=0'];
    const { code, stderr } = await cluster.kubectl(scale);
    assert.equal(code, 0, stderr);
    // A watch is in the log when it has ended.
    await until(cluster.client, `/api/v1/namespaces/${NAMESPACE}/pods`, (pods) => pods.length === 0);
    const rights = rightsOf(rendered({}, { release: 'tcpvs', namespace: NAMESPACE }));
    const events = auditEvents(readFileSync(cluster.auditLog, 'utf8'));
    const { refused, unused } = compareWithAudit(rights, events, [PROXY]);
    assert.deepEqual(refused, []);
    assert.deepEqual(
      unused.filter((line) => !NOT_HERE.includes(line)),
      [],
    );
    const proxies = events.filter(({ user }) => user.username === PROXY);
    assert.deepEqual(proxies, [], 'a proxy asks the API server for nothing');
  });
});
