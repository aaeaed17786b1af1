import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { StatusDocument } from '../admin/contract.ts';
import { placementsOf, placementsText } from './placement-text.ts';

const plain = { bold: (text: string) => text, dim: (text: string) => text };

function matrix(name: string, spec: object, status: object = {}): StatusDocument['objects'][number] {
  return {
    apiVersion: 'tcpvs.io/v1alpha1',
    kind: 'AppWeightMatrix',
    metadata: { name, namespace: 'default' },
    spec,
    status: { observedGeneration: 1, conditions: [], ...status },
  };
}

const rows = (...weights: number[]) =>
  weights.map((weight, at) => ({ server: `web${at + 1}`, weights: [{ app: 'shop', weight }] }));

test('tells which weights rule, which would be better, and why', () => {
  const text = placementsText(
    placementsOf([
      matrix('still', { mode: 'Static', rows: rows(1, 1) }),
      matrix(
        'look',
        { mode: 'Recommend', rows: rows(90, 10) },
        { recommendation: { rows: rows(25, 75), reason: 'why' } },
      ),
      matrix(
        'act',
        { mode: 'Auto', rows: rows(90, 10), placement: { paused: true } },
        {
          rows: rows(7000, 3000).map((row, at) => ({ ...row, since: `2026-01-0${at + 1}T00:00:00Z` })),
          recommendation: {
            reason: 'stop\u001b',
            changes: [{ op: 'Start', app: 'shop', server: 'web2', reason: 'serves 14 requests/s there' }],
          },
        },
      ),
      matrix('new', { mode: 'Auto', rows: [{ server: 'web1' }] }),
      matrix(
        'cap',
        { mode: 'Recommend', rows: rows(50, 50) },
        {
          recommendation: {
            rows: [
              { server: 'web1', weights: [{ app: 'shop', weight: 50, cap: 12 }] },
              { server: 'web2', weights: [{ app: 'shop', weight: 50 }] },
            ],
            reason: 'why',
          },
        },
      ),
    ]),
    plain,
  );
  assert.equal(
    text,
    `default/look Recommend: the object's weights rule
  why
  shares in %, → recommended
  shop  web1 90.0 → 25.0  web2 10.0 → 75.0

default/act Auto, paused: computed weights rule, last changed at 2026-01-02T00:00:00Z
  stop\\x1b
  start shop on web2: serves 14 requests/s there
  shares in %, → recommended
  shop  web1 70.0  web2 30.0

default/new Auto: the object's weights rule
  nothing is computed yet
  shares in %, → recommended

default/cap Recommend: the object's weights rule
  why
  shares in % (caps), → recommended
  shop  web1 50.0 → 50.0 (12)  web2 50.0
`,
  );
});

test('says so where nothing is computed', () => {
  assert.match(placementsText([], plain), /^No matrix asks for computed weights/);
});
