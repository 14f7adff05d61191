/** dist/browser_worker.js: a thread of a parallel run. */
import { type ParallelRequest, serveParallel } from '../../engine/parallel_worker.ts';

const scope = globalThis as unknown as Pick<Worker, 'postMessage' | 'onmessage'>;
const serve = serveParallel({ post: (reply) => scope.postMessage(reply) });
scope.onmessage = ({ data }: MessageEvent<ParallelRequest>) => serve(data);
