/** The three kinds on a real API server: what it refuses, and in which words; what it takes; what a person sees of them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { loadAll } from 'js-yaml';

import { largestFaulty, largestObjects } from '../../src/api/fixture/largest-objects.ts';
import { type CaseObject, matrixOf, refusedCases } from '../../src/api/fixture/refused-cases.ts';
import { API_VERSION } from '../../src/api/group.ts';
import { kindInfos } from '../../src/api/kinds.ts';
import { ApiError, type KubeObject } from './api-client.ts';
import { type Api, startApi } from './api.ts';
import { skipReason } from './binaries.ts';
import { installCrds } from './crds.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');

const pathOf = (kind: string, namespace = 'default'): string =>
  `/apis/${API_VERSION}/namespaces/${namespace}/${kindInfos[kind as keyof typeof kindInfos].plural}`;

describe('the kinds on a real API server', { skip: skipReason('api') }, () => {
  let api: Api;
  before(async () => {
    api = await startApi();
    await installCrds(api);
  });
  after(() => api?.stop());

  const kubectl = async (...args: string[]) => {
    const { code, stdout, stderr } = await api.kubectl(args);
    assert.equal(code, 0, stderr);
    return stdout;
  };

  /** Nothing is kept of it. Rejects where it is refused. */
  const tryOut = (object: CaseObject) =>
    api.client.create(`${pathOf(object.kind)}?dryRun=All&fieldValidation=Strict`, object);

  for (const [index, refused] of refusedCases().entries()) {
    test(`refused ${index}: ${refused.message}`, async () => {
      const { object, old, cel, message } = refused;
      const ask = async () => {
        if (old === null) return await tryOut(object);
        const path = pathOf(old.kind);
        const stored = await api.client.create(path, { ...old, metadata: { name: `old-${index}` } });
        return await api.client.replace(`${path}/old-${index}`, { ...stored, spec: object.spec });
      };
      await assert.rejects(ask(), (error) => {
        assert.ok(error instanceof ApiError);
        assert.equal(error.status, 422, error.message);
        assert.equal(error.reason, 'Invalid');
        // API servers say the same of a list that holds an item twice, and so on, in words of their own.
        if (cel) assert.ok(error.message.includes(message), error.message);
        return true;
      });
    });
  }

  test('unknown fields are refused where that is asked for, as kubectl does', async () => {
    const object = { ...matrixOf(1), spec: { rowz: [] } };
    await assert.rejects(tryOut(object), /unknown field "spec\.rowz"/);
  });

  test('what is right is taken, at the largest sizes too', async () => {
    for (const object of [...largestObjects(), { ...matrixOf(2048), metadata: { name: 'cells' } }]) {
      const { metadata } = await api.client.create(pathOf(object.kind), object);
      // A change is judged against what was, besides.
      const path = `${pathOf(object.kind)}/${metadata.name}`;
      await api.client.patch(path, { spec: CHANGES[object.kind] });
      await api.client.delete(path);
    }
  });

  test('one fault at the end of the largest ones is told as any other', async () => {
    for (const { object, message } of largestFaulty()) {
      await assert.rejects(tryOut(object), (error) => {
        assert.ok(error instanceof ApiError);
        assert.equal(error.status, 422, error.message.slice(0, 500));
        assert.ok(error.message.includes(message), error.message.slice(0, 500));
        assert.doesNotMatch(error.message, /cost|budget/);
        return true;
      });
    }
  });

  test('all examples are taken as they are', async () => {
    const files = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'));
    const objects = files.flatMap((file) => {
      const documents = loadAll(readFileSync(join(EXAMPLES, file), 'utf8')) as (KubeObject | null)[];
      return documents.flatMap((each) => (each?.apiVersion === API_VERSION ? [{ file, each }] : []));
    });
    assert.ok(objects.length > 30);
    for (const { file, each } of objects) {
      const metadata = { ...each.metadata, namespace: 'default' };
      const query = '?dryRun=All&fieldValidation=Strict';
      try {
        await api.client.create(`${pathOf(each.kind)}${query}`, { ...each, metadata });
      } catch (error) {
        // What needs a file or an address of its own is for standalone; the kinds themselves do not differ.
        assert.fail(`${file}: ${(error as Error).message}`);
      }
    }
  });

  test('a new object does not look fine: its conditions are Unknown until somebody has looked', async () => {
    const specs = {
      TcpVirtualServer: { listeners: [{ name: 'l', port: 80 }] },
      RealServer: { address: '10.0.0.1', port: 80 },
      AppWeightMatrix: {},
    };
    for (const [kind, spec] of Object.entries(specs)) {
      const object = { apiVersion: API_VERSION, kind, metadata: { name: 'new' }, spec };
      // Nobody but the status' owner writes it.
      const { status } = await api.client.create(pathOf(kind), { ...object, status: { observedGeneration: 7 } });
      const conditions = status.conditions as {
        type: string;
        status: string;
        reason: string;
        lastTransitionTime: string;
      }[];
      assert.ok(
        conditions.some(({ type }) => type === 'Ready'),
        kind,
      );
      for (const each of conditions) {
        const { status: is, reason, lastTransitionTime } = each;
        assert.deepEqual([is, reason, lastTransitionTime], ['Unknown', 'Pending', '1970-01-01T00:00:00Z']);
      }
      assert.equal(status.observedGeneration, undefined);
    }
  });

  test('kubectl knows them by short names and category, and shows what matters', async () => {
    assert.match(
      await kubectl('get', 'tvs'),
      /^NAME +SCHEDULER +PORTS +RULES +PROGRAMMED +READY +REASON +AGE\nnew +http /,
    );
    assert.match(
      await kubectl('get', 'rsv'),
      /^NAME +HOST +ENDPOINTS +AVAILABLE +QUIESCE +HEALTHY +READY +REASON +AGE\nnew /,
    );
    assert.match(
      await kubectl('get', 'awm'),
      /^NAME +MODE +APPS +SERVERS +ON-TARGET +READY +REASON +AGE\nnew +Static /,
    );
    assert.match(await kubectl('get', 'awm', '-o', 'wide'), /^NAME +MODE +APPS +SERVERS +CELLS +ON-TARGET /);
    const all = await kubectl('get', 'tcpvs', '-o', 'name');
    for (const { kind } of Object.values(kindInfos))
      assert.match(all, new RegExp(`^${kind.toLowerCase()}.tcpvs.io/new$`, 'm'));
  });

  test('kubectl explain reads well, down to the last field', async () => {
    assert.match(
      await kubectl('explain', 'tvs.spec.rules.match.path'),
      /enum: Exact, Prefix, Regex, Pattern[\s\S]*whole segments/,
    );
    assert.match(
      await kubectl('explain', 'rsv.spec.healthCheck'),
      /interval\t<string>[\s\S]*Time from the end of a check/,
    );
    assert.match(await kubectl('explain', 'awm.spec.rows.weights'), /weight\t<integer> -required-/);
    assert.match(await kubectl('explain', 'awm.status.conditions'), /lastTransitionTime\t<string> -required-/);
    for (const { plural } of Object.values(kindInfos)) {
      assert.doesNotMatch(await kubectl('explain', plural, '--recursive'), /<no description>|<empty>/);
    }
  });

  test('two owners of different cells of one row do not conflict, and each takes back its own alone', async () => {
    const path = `${pathOf('AppWeightMatrix')}/shared`;
    const apply = (manager: string, object: unknown, force = false) =>
      api.client.request<KubeObject>(
        'PATCH',
        `${path}?fieldManager=${manager}&force=${force}`,
        object,
        'application/apply-patch+yaml',
      );
    const shown = async () => {
      const { spec } = await api.client.get(path);
      return Object.fromEntries(
        (spec.rows[0]?.weights ?? []).map(({ app, weight }: { app: string; weight: number }) => [app, weight]),
      );
    };
    await apply('shop', cells(['appa', 10], ['appb', 20]));
    await apply('search', cells(['appc', 30]));
    assert.deepEqual(await shown(), { appa: 10, appb: 20, appc: 30 });
    await apply('search', cells(['appc', 40]));
    assert.deepEqual(await shown(), { appa: 10, appb: 20, appc: 40 });

    await assert.rejects(apply('search', cells(['appc', 40], ['appa', 99])), (error) => {
      assert.ok(error instanceof ApiError && error.status === 409 && error.reason === 'Conflict');
      assert.match(error.message, /conflict with "shop".*weights\[app="appa"\]\.weight/s);
      return true;
    });
    assert.deepEqual(await shown(), { appa: 10, appb: 20, appc: 40 });

    await apply('shop', cells(['appb', 20]));
    assert.deepEqual(await shown(), { appb: 20, appc: 40 });
    await apply('shop', { ...cells(), spec: {} });
    assert.deepEqual(await shown(), { appc: 40 });
  });
});

/** A change within the object that makes its rules be judged again. */
const CHANGES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  TcpVirtualServer: { suspend: true },
  RealServer: { quiesce: true },
  AppWeightMatrix: { mode: 'Recommend' },
};

const cells = (...weights: [string, number][]) => ({
  apiVersion: API_VERSION,
  kind: 'AppWeightMatrix',
  metadata: { name: 'shared' },
  spec: { rows: [{ server: 'web1', weights: weights.map(([app, weight]) => ({ app, weight })) }] },
});
