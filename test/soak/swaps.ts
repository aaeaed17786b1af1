/**
 * Snapshot swaps under load: weights change, again and again, through the admin API, while requests run. No request may
 * fail, and old snapshots must go: the heap stays flat.
 */
import type { ObjectsDocument, ObjectsWrite } from '../../src/admin/contract.ts';
import { adminRequest } from '../../src/cli/demo-serve.ts';
import { ask } from './ask.ts';
import type { HeldHeap } from './heap.ts';
import { startSetting } from './setting.ts';

export interface SwapsResult {
  readonly swaps: number;
  readonly requests: number;
  readonly failures: readonly string[];
  /** After a third of the swaps, and after all of them. */
  readonly heapBefore: HeldHeap;
  readonly heapAfter: HeldHeap;
}

/** Requests that are always under way meanwhile. */
const CLIENTS = 8;
/** After each swap so many ms of traffic: about 100 swaps in a second and a half. */
const PAUSE = 5;

export async function runSwaps(swaps: number, workers = 2): Promise<SwapsResult> {
  await using setting = await startSetting(workers);
  const failures: string[] = [];
  let requests = 0;
  const through = new AbortController();
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    while (!through.signal.aborted) {
      requests++;
      await ask(setting.port, client % 2 === 0 ? '/appc/' : '/appd/', {}).catch((error: Error) =>
        failures.push(error.message),
      );
    }
  });
  let heapBefore: HeldHeap = { main: { objects: 0, code: 0 }, workers: [] };
  const { socket } = setting.serve;
  let document = await setting.serve.admin<ObjectsDocument>('/v1/objects');
  for (let turn = 0; turn < swaps; turn++) {
    document = await write(socket, document, turn);
    if (turn === Math.floor(swaps / 3)) heapBefore = await setting.heldHeap();
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  through.abort();
  await Promise.all(clients);
  return { swaps, requests, failures, heapBefore, heapAfter: await setting.heldHeap() };
}

async function write(socket: string, document: ObjectsDocument, turn: number): Promise<ObjectsDocument> {
  const matrix = document.objects.find((object) => object.kind === 'AppWeightMatrix');
  if (matrix === undefined) throw new Error('no matrix is served');
  const changed = JSON.parse(JSON.stringify(matrix)) as typeof matrix & { spec: Matrix };
  for (const cell of changed.spec.rows.flatMap((row) => row.weights)) {
    if (cell.app === 'appc') cell.weight = 1 + ((cell.weight + 7 + (turn % 3)) % 99);
  }
  const body: ObjectsWrite = { revision: document.revision, apply: [changed], delete: [] };
  const answer = await adminRequest(socket, '/v1/objects', { body });
  if (answer.status !== 200) throw new Error(`swap ${turn} was answered ${answer.status}: ${answer.body}`);
  return JSON.parse(answer.body) as ObjectsDocument;
}

interface Matrix {
  readonly rows: readonly { readonly weights: { app: string; weight: number }[] }[];
}

if (import.meta.main) {
  const result = await runSwaps(Number(process.env['SWAPS'] ?? 1_000));
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  process.exitCode = result.failures.length === 0 ? 0 : 1;
}
