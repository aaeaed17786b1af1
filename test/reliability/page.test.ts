import assert from 'node:assert/strict';
import test from 'node:test';

import { type Figures, page, type ResultsDocument } from './page.ts';

const FIGURES: Figures = {
  scenario: 'edits',
  what: 'edits',
  mode: 'full',
  secondsAway: 300,
  requests: 104_000,
  failed: 0,
  statuses: { 200: 104_000 },
  milliseconds: { p50: 1, p99: 2, max: 3 },
  seconds: 150,
  failures: [],
  agreed: { controllers: 2, proxies: 2 },
};
const DOCUMENT: ResultsDocument = { version: '1.0.0', date: '2030-01-01T00:00:00Z', machine: 'm', figures: [FIGURES] };

test('a row has the figures, what else was measured, and who was compared', () => {
  assert.match(
    page(DOCUMENT),
    /\| edits \| 104,000 \| 0 \| 1 \| 2 \| 3 \| seconds away 300 \| 2 controllers, 2 proxies \|/,
  );
});

test('what was not compared, or differed, is not passed over', () => {
  const { agreed: _, ...never } = FIGURES;
  assert.match(page({ ...DOCUMENT, figures: [never] }), /not compared \|/);
  assert.match(page({ ...DOCUMENT, figures: [{ ...FIGURES, agreed: null }] }), /\*\*no\*\* \|/);
});

test('failures are told one by one', () => {
  const failures = [{ at: 12, path: '/x', what: 'status 503' }];
  assert.match(page({ ...DOCUMENT, figures: [{ ...FIGURES, failed: 1, failures }] }), /- after 12 ms, \/x: status 503/);
});

test('rights of a part of the scenarios are said to be of a part, and requests at rest are summed', () => {
  const rights = { whole: false, rights: 20, refused: [], tooEarly: ['a'], unused: ['u: get * things'] };
  const atRest = { minutes: 5, controllers: 2, requestsPerMinute: { 'a:controller': { 'watch x': 1.5, 'get y': 2 } } };
  const text = page({ ...DOCUMENT, rights, atRest });
  assert.match(text, /some of the scenarios only; 20 rights/);
  assert.match(text, /- u: get \* things/);
  assert.match(text, /\| controller \| \*\*all\*\* \| 3\.5 \|/);
});
