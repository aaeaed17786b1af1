import assert from 'node:assert/strict';
import test from 'node:test';

import { appWeightMatrixStatus } from '../api/app-weight-matrix.ts';
import { type CellSums, withShares } from '../model/shares.ts';
import type { ObjectStatus } from '../model/status.ts';
import { groupCounts } from './known-conditions.ts';
import { completeStatus } from './status-document.ts';

const cell = (server: string, weight: number, requests: number): CellSums => ({
  server: `shop/${server}`,
  app: 'appc',
  weight,
  available: true,
  epochRequests: requests,
  requests,
  retries: 0,
  sticky: 0,
  failures: 0,
});

const MATRIX: ObjectStatus = {
  kind: 'AppWeightMatrix',
  key: 'shop/eapac',
  observedGeneration: 1,
  conditions: [],
  details: {},
};

test('shares are as the API takes them, also where nothing was asked yet', () => {
  for (const requests of [0, 50]) {
    const cells = withShares([cell('web2', 87, requests), cell('web3', 13, requests)]);
    const counts = groupCounts({ rows: [{ id: 'matrix shop/eapac appc', epoch: 1, cells }], endpoints: [] });
    const facts = { snapshot: { id: 'x', pieces: [] }, replicas: [], since: () => 0, counts, onTarget: new Map() };
    const { details } = completeStatus(MATRIX, facts);
    const { shares } = appWeightMatrixStatus.parse(details);
    assert.deepEqual(shares, [
      { app: 'appc', server: 'web2', asked: '0.870', ...(requests === 0 ? {} : { delivered: '0.500' }) },
      { app: 'appc', server: 'web3', asked: '0.130', ...(requests === 0 ? {} : { delivered: '0.500' }) },
    ]);
  }
});
