/** Threads for parallel runs: Node's worker threads, with dist/worker.cjs. */
import { Worker } from 'node:worker_threads';
import type { WorkerHandle } from '../../machine/parallel.ts';
import { assetUrl } from './assets.ts';

export function startWorker(): WorkerHandle {
  const worker = new Worker(assetUrl('dist/worker.cjs'));
  return {
    post: (request) => worker.postMessage(request),
    listen: (onReply, onEnd) => {
      worker.on('message', onReply);
      worker.on('error', (error) => onEnd(`its thread failed: ${error.message}`));
      worker.on('exit', (code) => onEnd(`its thread ended with status ${code}`));
    },
    hold: (needed) => (needed ? worker.ref() : worker.unref()),
    end: () => void worker.terminate(),
  };
}
