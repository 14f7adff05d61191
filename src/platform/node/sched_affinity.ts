/**
 * The CPUs that threads of this host may run on: sched_setaffinity(2) and sched_getaffinity(2), and what cgroup cpusets and
 * /sys say about the CPUs.
 */
import { existsSync, readFileSync } from 'node:fs';
import { InputError, NotSupported } from '../../errors.ts';
import { CpuMask } from '../../kernel/cpu_mask.ts';
import { errnoName } from '../../uapi/errno.ts';
import { openNative, syscallNumber } from './native.ts';

/** Bytes of the mask that we pass: the kernel's largest cpumask_t. */
const MASK_BYTES = 1024;

/** Id of the calling thread, for the `tid` of the functions below; 0 names the caller as well. */
export function gettid(): number {
  return openNative().syscall(syscallNumber('gettid'));
}

/**
 * CPUs that a thread may run on.
 * @param tid - thread id (a process id names its main thread); 0: the calling thread
 * @throws InputError when there is no such thread; NotSupported where the host is not Linux or koffi is missing
 */
export function getAffinity(tid = 0): CpuMask {
  const native = openNative();
  const mark = native.mark();
  try {
    const mask = native.alloc(MASK_BYTES);
    const result = native.syscall(syscallNumber('sched_getaffinity'), tid, MASK_BYTES, mask.address);
    if (result < 0) throw new InputError(`thread ${tid}`, '', `has no affinity to read (${errnoName(-result)})`);
    return CpuMask.fromBytes(mask.bytes.subarray(0, result));
  } finally {
    native.reset(mark);
  }
}

/**
 * Binds a thread to CPUs; children that it starts later inherit them.
 * @param cpus - a mask or CPU numbers, at least one of them online and allowed by the thread's cpuset
 * @param tid - thread id; 0: the calling thread
 * @throws InputError when the kernel refuses: no such thread, no usable CPU, no permission
 */
export function setAffinity(cpus: Iterable<number>, tid = 0): void {
  const native = openNative();
  const mark = native.mark();
  try {
    const mask = native.alloc(MASK_BYTES);
    for (const cpu of cpus) {
      if (!(cpu >= 0 && cpu < MASK_BYTES * 8)) throw new InputError(`${cpu}`, 'cpu', 'a CPU is 0 to 8191');
      mask.bytes[cpu >> 3] = (mask.bytes[cpu >> 3] ?? 0) | (1 << (cpu & 7));
    }
    const result = native.syscall(syscallNumber('sched_setaffinity'), tid, MASK_BYTES, mask.address);
    if (result < 0) throw new InputError(`thread ${tid}`, 'affinity', REFUSALS[-result] ?? errnoName(-result));
  } finally {
    native.reset(mark);
  }
}

/** What the kernel means, by errno. */
const REFUSALS: Readonly<Record<number, string>> = {
  1: 'EPERM: not yours, and no CAP_SYS_NICE',
  3: 'ESRCH: there is no such thread',
  22: 'EINVAL: none of these CPUs is online and allowed here; `bpf-cpumask doctor` lists them',
};

/** A line of a file below /sys, /proc or a cgroup; null where it cannot be read. */
export function readLine(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

/** CPU lists of the host, as the kernel prints them ("0-3,8"). */
export interface HostCpus {
  readonly possible: string;
  readonly present: string;
  readonly online: string;
  readonly isolated: string;
  /** What this process's cpuset allows (cgroup v2 cpuset.cpus.effective); null without one. */
  readonly cpuset: string | null;
}

/** Reads /sys/devices/system/cpu and this process's cgroup. */
export function hostCpus(): HostCpus {
  const list = (name: string) => readLine(`/sys/devices/system/cpu/${name}`);
  const possible = list('possible');
  if (possible === null) throw new NotSupported(`CPU lists of a host without /sys (${process.platform})`);
  const cgroup = /^0::(.*)$/m.exec(readLine('/proc/self/cgroup') ?? '')?.[1];
  return {
    possible,
    present: list('present') ?? possible,
    online: list('online') ?? possible,
    isolated: list('isolated') ?? '',
    cpuset: cgroup === undefined ? null : readLine(`/sys/fs/cgroup${cgroup}/cpuset.cpus.effective`),
  };
}

/** nr_cpu_ids of the host: one more than its highest possible CPU. */
export function possibleCpus(): number {
  return (CpuMask.fromList(hostCpus().possible).last ?? 0) + 1;
}

/** One CPU of the host and what it shares: values of /sys/devices/system/cpu/cpuN/topology and /cache. */
export interface HostCpu {
  readonly cpu: number;
  readonly core: number;
  readonly package: number;
  readonly node: number;
  /** CPUs that share its last-level cache, as a cpulist. */
  readonly llc: string;
}

/** Topology of the given CPUs; numbers that the host does not tell are 0. */
export function hostTopology(cpus: Iterable<number>): HostCpu[] {
  const number = (path: string) => Number(readLine(path) ?? 0);
  return [...cpus].map((cpu) => {
    const base = `/sys/devices/system/cpu/cpu${cpu}`;
    const llc = [4, 3, 2, 1, 0]
      .map((index) => readLine(`${base}/cache/index${index}/shared_cpu_list`))
      .find((list) => list !== null);
    return {
      cpu,
      core: number(`${base}/topology/core_id`),
      package: number(`${base}/topology/physical_package_id`),
      node: nodeOf(cpu),
      llc: llc ?? String(cpu),
    };
  });
}

/** NUMA node of a CPU: the one whose directory links to it; 0 where the host has no nodes. */
function nodeOf(cpu: number): number {
  for (let node = 0; existsSync(`/sys/devices/system/node/node${node}`); node++) {
    if (existsSync(`/sys/devices/system/node/node${node}/cpu${cpu}`)) return node;
  }
  return 0;
}
