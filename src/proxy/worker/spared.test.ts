/** What a worker does between an ejection of its own and the plan that follows from it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DOWN } from '../shared.ts';
import { ask, freePort, origin } from './fixture.ts';
import { startInProcess } from './in-process.ts';

test('servers that all refused are asked again: an ejection alone never leaves a row without any', async (t) => {
  const ports = [await freePort(), await freePort()];
  // Nobody is told of the ejections here, so that the plan that would spare one of them never comes.
  const worker = await startInProcess({ servers: ports });
  t.after(() => worker.close());
  assert.equal((await ask(worker.port, '/')).status, 502);
  const { down } = worker.loop.state.shared;
  const slots = worker.reports.flatMap((report) => (report.type === 'suspect' ? [report.slot] : []));
  assert.deepEqual(
    slots.map((slot) => down[slot]),
    [DOWN.ejected, DOWN.ejected],
  );
  assert.equal((await ask(worker.port, '/')).status, 502, 'asked, and refused again');
  const back = await Promise.all(ports.map((port) => origin(String(port), undefined, port)));
  t.after(() => back.forEach((each) => each.close()));
  assert.equal((await ask(worker.port, '/')).status, 200);
  for (const slot of slots) down[slot]! |= DOWN.check;
  assert.equal((await ask(worker.port, '/')).status, 503, 'a server that fails its checks is out');
});
