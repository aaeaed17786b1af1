import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type KnownSlice, SlicesByService } from './slices-by-service.ts';

const slice = (service: string | null, address: string): KnownSlice => ({
  service,
  facts: {
    addressType: 'IPv4',
    ports: [],
    endpoints: [{ addresses: [address], ready: true, serving: true, terminating: false, nodeName: null, podUid: null }],
  },
});
const addresses = (slices: SlicesByService) =>
  Object.fromEntries(
    [...slices.view].map(([service, facts]) => [
      service,
      facts.flatMap(({ endpoints }) => endpoints[0]?.addresses ?? []),
    ]),
  );

test('slices of a Service stand together; one that moves, goes, or belongs to nobody', () => {
  const slices = new SlicesByService();
  slices.set('n/b', slice('n/web', '2'));
  slices.set('n/a', slice('n/web', '1'));
  slices.set('n/c', slice('n/db', '3'));
  slices.set('n/d', slice(null, '4'));
  assert.deepEqual(addresses(slices), { 'n/web': ['1', '2'], 'n/db': ['3'] });
  const db = slices.view.get('n/db');
  const { view } = slices;
  slices.set('n/a', slice('n/web', '9'));
  assert.notEqual(slices.view, view);
  assert.equal(slices.view.get('n/db'), db);
  slices.set('n/b', slice('n/db', '2'));
  slices.set('n/a', undefined);
  assert.deepEqual(addresses(slices), { 'n/db': ['2', '3'] });
  slices.set('n/zz', undefined);
});
