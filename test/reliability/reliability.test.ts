/**
 * Under constant load over kept-alive connections, no request fails whatever happens to the platform: `make reliability`
 * with full counts (100,000 requests and more each; SCENARIOS=a,b for some), `make test` with reduced ones.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { compareWithAudit } from '../chart/audit.ts';
import { rightsOf } from '../chart/rights.ts';
import { rendered } from '../chart/stage.ts';
import { skipReason } from '../cluster/binaries.ts';
import { untilAgreed } from './agreement.ts';
import { atRest } from './at-rest.ts';
import { ACCOUNTS, distinctDeeds } from './deeds.ts';
import { edited, SCENARIOS } from './scenarios.ts';
import { openStage, RELEASE, type Stage, SYSTEM } from './stage.ts';

const FULL = process.env['RELIABILITY'] === 'full';
const RATE = FULL ? 700 : 200;
const LEAST = FULL ? 100_000 : 500;
/** Bound of one scenario. */
const SECONDS = 900;
const MINUTES_AT_REST = 5;
const chosen = process.env['SCENARIOS']?.split(',');
const wanted = SCENARIOS.map((scenario) => ({ ...scenario, count: scenario.counts[FULL ? 1 : 0] })).filter(
  ({ name, count }) => (chosen === undefined ? count > 0 : chosen.includes(name)),
);

describe('no request fails', { skip: skipReason() }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage?.stop());

  // Before anything else has happened.
  if (FULL && (chosen?.includes('at-rest') ?? true)) {
    test('little is asked of the API server while nothing happens', { timeout: SECONDS * 1000 }, async () => {
      const figures = await atRest(stage, MINUTES_AT_REST);
      console.log(JSON.stringify({ atRest: figures }));
      const asked = Object.values(figures.requestsPerMinute).map((counts) => Object.keys(counts).toSorted());
      const writes = asked.flat().filter((deed) => !/^(list|watch) |^(get|update) leases$/.test(deed));
      assert.deepEqual(writes, []);
    });
  }

  for (const scenario of wanted) {
    const { name, what, count } = scenario;
    test(what, { timeout: SECONDS * 1000 }, async () => {
      const load = stage.load({ rate: RATE, seconds: SECONDS });
      const started = performance.now();
      let details: Record<string, unknown>;
      try {
        await sleep(1000);
        details = await scenario.run(stage, Math.max(1, count));
        await sleep(Math.max(1000, (1050 * LEAST) / RATE - (performance.now() - started)));
      } catch (error) {
        await load.stop();
        throw error;
      }
      const { requests, failed, statuses, failures, milliseconds, seconds } = await load.stop();
      // Told with the figures, whatever it is.
      const agreement = await edited(stage)
        .then(() => untilAgreed(stage))
        .catch((error: Error) => error);
      const figures = { scenario: name, what, mode: FULL ? 'full' : 'reduced', ...details, requests, failed };
      const agreed = agreement instanceof Error ? null : agreement;
      console.log(JSON.stringify({ ...figures, statuses, milliseconds, seconds, failures, agreed }));
      assert.equal(failed, 0, JSON.stringify(failures));
      assert.ok(requests >= LEAST, `${requests} requests`);
      if (agreement instanceof Error) throw agreement;
      assert.deepEqual(agreement, { controllers: 2, proxies: 2 });
    });
  }

  // Of some scenarios it can only be said that they did no more.
  const isWhole = FULL && chosen === undefined;
  test(`its accounts did no more than they may${isWhole ? ', and all of it' : ''}`, async () => {
    const rights = rightsOf(rendered({}, { release: RELEASE, namespace: SYSTEM }));
    const { refused, tooEarly, unused } = compareWithAudit(
      rights,
      await distinctDeeds(stage.cluster.auditLog),
      ACCOUNTS,
    );
    console.log(JSON.stringify({ rights: { whole: isWhole, rights: rights.length, refused, tooEarly, unused } }));
    assert.deepEqual(refused, []);
    if (isWhole) assert.deepEqual(unused, []);
  });
});
