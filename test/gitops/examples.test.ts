/** Examples 11, 12 and 23: what kustomize makes of them, by the product's own parser and on a real API with two owners. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { load, loadAll } from 'js-yaml';

import { findProgram } from '../../charts/tools/helm.ts';
import { API_VERSION } from '../../src/api/group.ts';
import { parseObject } from '../../src/api/parse.ts';
import { type Api, startApi } from '../cluster/api.ts';
import { skipReason } from '../cluster/binaries.ts';
import { installCrds } from '../cluster/crds.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');
const BUILDS = [
  '11-gitops/platform/overlays/staging',
  '11-gitops/platform/overlays/production',
  '11-gitops/teams/search/overlays/staging',
  '11-gitops/teams/search/overlays/production',
  '11-gitops/teams/pay/overlays/staging',
  '11-gitops/teams/pay/overlays/production',
  '12-kubernetes',
  '23-managed-instances',
];

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  /** Of many kinds. */
  readonly spec: any;
}

const kubectl = findProgram('kubectl');

function build(directory: string): Manifest[] {
  return loadAll(
    execFileSync(kubectl ?? '', ['kustomize', join(EXAMPLES, directory)], { encoding: 'utf8' }),
  ) as Manifest[];
}

describe('kustomize', kubectl === null ? { skip: 'there is no kubectl' } : {}, () => {
  for (const directory of BUILDS) {
    it(`builds ${directory}, of objects that are right`, () => {
      const own = build(directory).filter(({ apiVersion }) => apiVersion === API_VERSION);
      assert.ok(own.length > 0);
      for (const object of own) {
        const parsed = parseObject(object);
        assert.ok(parsed.ok, JSON.stringify(parsed));
        assert.ok(object.metadata.namespace !== undefined);
      }
    });
  }

  it('an overlay changes what it says', () => {
    const objects = build('11-gitops/platform/overlays/staging');
    const specOf = (kind: string) => objects.find((object) => object.kind === kind)?.spec;
    assert.deepEqual(specOf('AppWeightMatrix').rows[0].weights, [
      { app: 'cart', weight: 60 },
      { app: 'catalogue', weight: 50 },
    ]);
    const { rules } = specOf('TcpVirtualServer');
    for (const { match } of rules) assert.deepEqual(match.hosts, ['staging.shop.example']);
  });
});

describe('what GitOps tools are told', () => {
  it('Argo CD applies by the server, compares by the server, and finds the folder', () => {
    for (const name of ['platform', 'pay']) {
      const file = join(EXAMPLES, `11-gitops/argocd/${name}.yaml`);
      const { metadata, spec } = load(readFileSync(file, 'utf8')) as {
        metadata: { annotations: Record<string, string> };
        spec: { source: { path: string }; syncPolicy: { syncOptions: string[] } };
      };
      assert.ok(spec.syncPolicy.syncOptions.includes('ServerSideApply=true'));
      assert.equal(metadata.annotations['argocd.argoproj.io/compare-options'], 'ServerSideDiff=true');
      assert.ok(BUILDS.includes(spec.source.path.replace('examples/', '')), spec.source.path);
    }
  });

  it('Flux finds the folder, and waits', () => {
    const file = readFileSync(join(EXAMPLES, '11-gitops/flux/kustomizations.yaml'), 'utf8');
    for (const { spec } of loadAll(file) as Manifest[]) {
      assert.ok(BUILDS.includes(spec.path.replace('./examples/', '')), spec.path);
      assert.equal(spec.wait, true);
    }
  });
});

describe('on a real API', { skip: skipReason('api') }, () => {
  let api: Api;
  before(async () => {
    api = await startApi();
    await installCrds(api);
    for (const name of ['shop', 'shop-staging', 'eapac', 'managed']) {
      await api.client.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    }
  });
  after(() => api?.stop());

  const apply = (manager: string, directory: string, ...args: string[]) =>
    api.kubectl(['apply', '--server-side', `--field-manager=${manager}`, '-k', join(EXAMPLES, directory), ...args]);

  const matrix = async (): Promise<Record<string, Record<string, number>>> => {
    const { spec } = await api.client.get('/apis/tcpvs.io/v1alpha1/namespaces/shop/appweightmatrices/shop');
    const rows = spec.rows as { server: string; weights: { app: string; weight: number }[] }[];
    return Object.fromEntries(
      rows.map(({ server, weights }) => [server, Object.fromEntries(weights.map(({ app, weight }) => [app, weight]))]),
    );
  };
  const BOTH = { large: { cart: 60, catalogue: 80, search: 95 }, small: { cart: 40, catalogue: 20, search: 5 } };

  it('every build is applied, to the field', async () => {
    for (const directory of BUILDS) {
      const { code, stderr } = await apply('test', directory, '--dry-run=server', '--validate=strict');
      assert.equal(code, 0, stderr);
      assert.equal(stderr, '');
    }
  });

  it('two owners have their own cells of one matrix', async () => {
    const platform = '11-gitops/platform/overlays/production';
    const search = '11-gitops/teams/search/overlays/production';
    for (const [manager, directory] of [
      ['platform', platform],
      ['team-search', search],
      ['platform', platform],
    ] as const) {
      const { code, stderr } = await apply(manager, directory);
      assert.equal(code, 0, stderr);
    }
    assert.deepEqual(await matrix(), BOTH);
  });

  it('whoever changes another’s cell is told whose it is', async () => {
    const [cells] = build('11-gitops/teams/search/overlays/production');
    const greedy = structuredClone(cells) as Manifest;
    greedy.spec.rows[0].weights.push({ app: 'cart', weight: 0 });
    const input = JSON.stringify(greedy);
    const args = ['apply', '--server-side', '--field-manager=team-search', '-f', '-'];
    const { code, stderr } = await api.kubectl(args, input);
    assert.notEqual(code, 0);
    assert.match(stderr, /conflict with "platform": .*server="large".*app="cart".*weight/);
    assert.deepEqual(await matrix(), BOTH);
  });

  it('whoever leaves out its own removes that alone', async () => {
    const [cells] = build('11-gitops/teams/search/overlays/production');
    const less = { ...cells, spec: { apps: cells?.spec.apps, rows: cells?.spec.rows.slice(0, 1) } };
    const args = ['apply', '--server-side', '--field-manager=team-search', '-f', '-'];
    const { code, stderr } = await api.kubectl(args, JSON.stringify(less));
    assert.equal(code, 0, stderr);
    assert.deepEqual(await matrix(), { large: BOTH.large, small: { cart: 40, catalogue: 20 } });
  });

  it('one field manager is one owner: two Applications of Argo CD would take each other’s cells away', async () => {
    await apply('argocd-controller', '11-gitops/platform/overlays/production', '--force-conflicts');
    await apply('argocd-controller', '11-gitops/teams/search/overlays/production', '--force-conflicts');
    // Still there is what somebody else owns too (the platform team applied it before).
    const { metadata } = await api.client.get('/apis/tcpvs.io/v1alpha1/namespaces/shop/appweightmatrices/shop');
    const fields = metadata['managedFields'] as { manager: string; fieldsV1: object }[];
    const argo = JSON.stringify(fields.find(({ manager }) => manager === 'argocd-controller')?.fieldsV1);
    assert.match(argo, /search/);
    assert.doesNotMatch(argo, /cart/);
  });
});
