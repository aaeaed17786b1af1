import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Reporting } from './reporting.ts';

test('a window is sent once, and those after a clock was put back are new', async () => {
  const sent: number[][] = [];
  const reporting = new Reporting((body) => {
    const { samples = [] } = JSON.parse(body) as { samples?: [number][] };
    sent.push(samples.map(([number]) => number));
    return Promise.resolve({ status: 200, body: Buffer.from('{"next":0}') });
  });
  const send = (...numbers: number[]) =>
    reporting.send(
      { rows: [], endpoints: [] },
      numbers.map((number) => ({ number, missed: [], endpoints: [] })),
    );
  await send(800, 801);
  await send(801, 802);
  await send(802);
  await send(81);
  await send(81, 82);
  assert.deepEqual(sent, [[800, 801], [802], [81], [82]]);
});
