/** What Argo CD, Flux and kpt make of the three kinds. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { load } from 'js-yaml';

import { argoConfig } from '../../charts/tools/argo-config.ts';
import { toCrd } from '../../src/api/crd.ts';
import { kindInfos } from '../../src/api/kinds.ts';
import type { Condition, ObjectStatus } from '../../src/model/status.ts';
import { fillIn } from '../../src/translate/conditions.ts';
import { kstatus } from './kstatus.ts';
import { runHealthScript } from './lua.ts';

const ROOT = join(import.meta.dirname, '../..');
const SCRIPT = readFileSync(join(ROOT, 'deploy/argocd/health.lua'), 'utf8');

const condition = (type: string, status: Condition['status'], reason = type, generation = 3): Condition => ({
  type,
  status,
  reason,
  message: `about ${type}`,
  observedGeneration: generation,
});

const object = (conditions: readonly Condition[], spec: object = {}) => ({
  metadata: { name: 'x', generation: 3 },
  spec,
  status: { observedGeneration: 3, conditions },
});

const WELL = [condition('Programmed', 'True'), condition('Healthy', 'True')];

/** What each makes of it. */
async function judged(live: Parameters<typeof kstatus>[0]): Promise<readonly [string, string]> {
  return [(await runHealthScript(SCRIPT, live)).status, kstatus(live)];
}

describe('Argo CD’s health and kstatus', () => {
  const cases: readonly (readonly [string, Parameters<typeof kstatus>[0], string, string])[] = [
    ['in force', object([condition('Ready', 'True')]), 'Healthy', 'Current'],
    ['not known yet', object([condition('Ready', 'Unknown', 'Pending')]), 'Progressing', 'InProgress'],
    ['bad', object([condition('Ready', 'False', 'Invalid')]), 'Degraded', 'InProgress'],
    ['no proxy yet', object([condition('Ready', 'False', 'NoProxies')]), 'Progressing', 'InProgress'],
    [
      'of the generation before',
      {
        ...object([condition('Ready', 'True', 'Ready', 2)]),
        status: { observedGeneration: 2, conditions: [condition('Ready', 'True', 'Ready', 2)] },
      },
      'Progressing',
      'InProgress',
    ],
    ['without status', { metadata: { generation: 3 } }, 'Progressing', 'Current'],
    ['stalled', object([condition('Stalled', 'True'), condition('Ready', 'False')]), 'Degraded', 'Failed'],
    [
      'reconciling',
      object([condition('Reconciling', 'True'), condition('Ready', 'True')]),
      'Progressing',
      'InProgress',
    ],
    ['suspended', object([condition('Ready', 'False', 'Suspended')], { suspend: true }), 'Suspended', 'InProgress'],
    [
      'bad and suspended',
      object([condition('Ready', 'False', 'Invalid')], { suspend: true }),
      'Degraded',
      'InProgress',
    ],
  ];
  for (const [name, live, argo, flux] of cases) {
    it(`${name}: ${argo}, ${flux}`, async () => assert.deepEqual(await judged(live), [argo, flux]));
  }

  it('the message says what and why', async () => {
    const { message } = await runHealthScript(SCRIPT, object([condition('Ready', 'False', 'ServerNotFound')]));
    assert.equal(message, 'ServerNotFound: about Ready');
    assert.equal(
      (await runHealthScript(SCRIPT, { metadata: { generation: 1 } })).message,
      'Waiting for the controller',
    );
  });

  it('a new object, with the status that the API gives it, never looks fine', async () => {
    for (const info of Object.values(kindInfos)) {
      const { spec } = toCrd(info) as unknown as {
        spec: { versions: { schema: { openAPIV3Schema: { properties: { status: { default: object } } } } }[] };
      };
      const status = spec.versions[0]?.schema.openAPIV3Schema.properties.status.default;
      assert.ok(status !== undefined);
      assert.deepEqual(await judged({ metadata: { generation: 1 }, status }), ['Progressing', 'InProgress'], info.kind);
    }
  });

  it('agree with Ready in everything that translate says', async () => {
    const golden = join(ROOT, 'src/translate/golden');
    const seen = new Set<string>();
    for (const file of readdirSync(golden).filter((each) => each.endsWith('.out.yaml'))) {
      const { statuses } = load(readFileSync(join(golden, file), 'utf8')) as { statuses: ObjectStatus[] };
      // As they are before, and after every proxy has said that all is well.
      for (const { conditions, observedGeneration } of statuses.flatMap((each) => [each, fillIn(each, WELL)])) {
        const ready = conditions.find(({ type }) => type === 'Ready');
        assert.ok(ready !== undefined, file);
        const suspend = ready.reason === 'Suspended';
        const live = {
          metadata: { generation: observedGeneration },
          spec: { suspend },
          status: { observedGeneration, conditions },
        };
        const expected = { True: 'Healthy', False: suspend ? 'Suspended' : 'Degraded', Unknown: 'Progressing' }[
          ready.status
        ];
        assert.deepEqual(await judged(live), [expected, ready.status === 'True' ? 'Current' : 'InProgress'], file);
        seen.add(expected);
      }
    }
    assert.deepEqual([...seen].toSorted(), ['Degraded', 'Healthy', 'Progressing', 'Suspended']);
  });
});

describe('argocd-cm.yaml', () => {
  it('holds the script for each of the three kinds', () => {
    const text = readFileSync(join(ROOT, 'deploy/argocd/argocd-cm.yaml'), 'utf8');
    assert.equal(text, argoConfig(SCRIPT));
    const { data } = load(text) as { data: Record<string, string> };
    assert.deepEqual(
      data,
      Object.fromEntries(
        ['TcpVirtualServer', 'RealServer', 'AppWeightMatrix'].map((kind) => [
          `resource.customizations.health.tcpvs.io_${kind}`,
          SCRIPT,
        ]),
      ),
    );
  });
});
