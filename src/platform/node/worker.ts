/** dist/worker.cjs: a thread of a parallel run. */
import { parentPort } from 'node:worker_threads';
import { type ParallelRequest, serveParallel } from '../../engine/parallel_worker.ts';

const serve = serveParallel({ post: (reply) => parentPort?.postMessage(reply) });
parentPort?.on('message', (request: ParallelRequest) => serve(request));
