/** Threads for parallel runs: web workers, with browser_worker.js, which lies beside the library. */
import type { ParallelReply } from '../../engine/parallel_worker.ts';
import type { WorkerHandle } from '../../machine/parallel.ts';

export function startWorker(): WorkerHandle {
  const worker = new Worker(new URL('./browser_worker.js', import.meta.url), { type: 'module' });
  return {
    post: (request) => worker.postMessage(request),
    listen: (onReply, onEnd) => {
      worker.onmessage = ({ data }: MessageEvent<ParallelReply>) => onReply(data);
      worker.onerror = ({ message }) => onEnd(`its thread failed: ${message}`);
    },
    // A page does not wait for its workers.
    hold: () => {},
    end: () => worker.terminate(),
  };
}
