/** One of the threads that choose from the same row: takes its order, answers how often it chose each endpoint. */
import { parentPort, workerData } from 'node:worker_threads';

import type { Balance } from '../model/snapshot.ts';
import { createChooser } from './create-chooser.ts';
import { dispatchState, rowPlan } from './fixture.ts';
import type { RowFixture } from './fixture.ts';

export interface WorkerOrder {
  readonly fixture: RowFixture;
  readonly balance: Balance;
  readonly buffer: SharedArrayBuffer;
  readonly slots: number;
  readonly choices: number;
}

const order = workerData as WorkerOrder;
const row = rowPlan(order.fixture);
const state = dispatchState(order.slots, order.buffer);
const chooser = createChooser(row, order.balance, state, { random: Math.random, now: () => 0 });
const counts = row.endpoints.map(() => 0);
for (let i = 0; i < order.choices; i++) counts[chooser.choose()]!++;
parentPort!.postMessage(counts);
