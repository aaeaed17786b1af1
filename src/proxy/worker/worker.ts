/** Entry of a worker thread. */
import { parentPort, workerData } from 'node:worker_threads';

import type { ToWorker, WorkerData } from '../messages.ts';
import { WorkerLoop } from './worker-loop.ts';

const port = parentPort;
if (port === null) throw new Error('worker.ts runs as a worker thread');
const loop = new WorkerLoop(workerData as WorkerData, (message) => port.postMessage(message));
port.on('message', (message: ToWorker) => loop.handle(message));
