/** Simulated CPUs, as the control plane handles them. */
import type { KernelMemory } from './memory.ts';
import type { CpuPlace } from './topology.ts';

/** One simulated CPU. */
export class Cpu {
  /** @internal use machine.cpu */
  constructor(
    private readonly memory: KernelMemory,
    readonly id: number,
    /** Its NUMA node, package, last-level cache, core and thread. */
    readonly place: CpuPlace,
  ) {}

  /** Does something with this CPU as the current one: what a kfunc called from TypeScript runs on. */
  on<T>(action: () => T): T {
    return this.memory.on(this.id, action);
  }

  /** Enters an RCU read-side section on this CPU; grace periods that begin now wait for it. */
  rcuReadLock(): void {
    this.on(() => this.memory.exports.rcu_read_lock());
  }

  rcuReadUnlock(): void {
    this.on(() => this.memory.exports.rcu_read_unlock());
  }

  /** The same for tasks-trace RCU, which sleepable programs run under. */
  rcuReadLockTrace(): void {
    this.on(() => this.memory.exports.rcu_read_lock_trace());
  }

  rcuReadUnlockTrace(): void {
    this.on(() => this.memory.exports.rcu_read_unlock_trace());
  }
}
