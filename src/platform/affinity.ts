/** The CPUs that threads of the host may run on. */
import * as platform from '#platform';
import type { CpuMask } from '../kernel/cpu_mask.ts';

/**
 * CPUs that a thread of this host may run on.
 * @param tid - thread id (a process id names its main thread); 0: the calling thread
 * @throws InputError when there is no such thread; NotSupported where the host is not Linux or koffi is missing
 */
export function getAffinity(tid = 0): CpuMask {
  return platform.getAffinity(tid);
}

/**
 * Binds a thread of this host to CPUs; threads and processes that it starts later inherit them. In a worker, `tid` 0 is the
 * worker's own thread.
 *
 *     setAffinity(CpuMask.fromList('0-3,8'));
 *
 * @param cpus - a mask or CPU numbers, at least one of them online and allowed by the thread's cpuset
 * @throws InputError when the kernel refuses; NotSupported where the host is not Linux or koffi is missing
 */
export function setAffinity(cpus: Iterable<number>, tid = 0): void {
  platform.setAffinity(cpus, tid);
}
