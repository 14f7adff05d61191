/** RCU from outside: read sections of simulated CPUs, grace periods, and the knobs that hold them back. */
import * as layout from '../../assembly/layout.ts';
import { InputError } from '../errors.ts';
import type { KernelMemory } from './memory.ts';

export interface SynchronizeOptions {
  /** How long to wait for readers on other threads, in milliseconds; default 0: only this thread runs CPUs. */
  readonly timeoutMs?: number;
}

export interface Rcu {
  /**
   * Waits until every read section that is open now has ended (plain and tasks trace), and everything freed before is gone.
   * Ends other grace periods on the way.
   *
   * @throws InputError when a CPU is in a read section that nothing will end while this thread waits
   */
  synchronize(options?: SynchronizeOptions): void;
  /** Ends the grace periods that can end now and runs their callbacks. Happens by itself unless `manual`. */
  advance(): void;
  /** Callbacks (batches of freed objects, mostly) that wait for a grace period. */
  readonly pending: number;
  /** Grace periods that ended so far. */
  readonly completed: number;
  /** True: grace periods end only in `advance` and `synchronize`. */
  manual: boolean;
  readLock(cpu: number): void;
  readUnlock(cpu: number): void;
  readLockTrace(cpu: number): void;
  readUnlockTrace(cpu: number): void;
  /** True: irq_work (refill of allocator caches, start of grace periods) waits for `runIrqWork`. */
  irqWorkDelayed: boolean;
  /** Runs the irq_work queued on a CPU. */
  runIrqWork(cpu: number): void;
}

/** Callback chains are this long: plain grace period, tasks trace, and once more for what was freed meanwhile. */
const ROUNDS = 4;

/** Sleeps a millisecond where the thread may, else spins on. */
function pause(): void {
  if (typeof SharedArrayBuffer !== 'function') return;
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  } catch {
    // A page's main thread must not sleep: spinning until the deadline is what is left.
  }
}

export function createRcu(memory: KernelMemory): Rcu {
  const { exports } = memory;

  function waitForReaders(deadline: number): void {
    const period = exports.rcu_gp_start();
    for (;;) {
      const blocker = exports.rcu_gp_blocker(period);
      if (blocker < 0) return;
      if (performance.now() >= deadline) {
        throw new InputError(
          'rcu.synchronize',
          `cpu ${blocker}`,
          'is in an RCU read section that nobody will end; unlock it first',
        );
      }
      pause();
    }
  }

  return {
    synchronize({ timeoutMs = 0 } = {}) {
      const deadline = performance.now() + timeoutMs;
      for (let round = 0; round < ROUNDS; round++) {
        waitForReaders(deadline);
        exports.rcu_advance();
        if (memory.u32At(layout.M_RCU_PENDING) === 0) return;
      }
    },
    advance: () => exports.rcu_advance(),
    get pending() {
      return memory.u32At(layout.M_RCU_PENDING);
    },
    get completed() {
      return memory.u32At(layout.M_RCU_COMPLETED);
    },
    get manual() {
      return memory.u32At(layout.M_RCU_MANUAL) !== 0;
    },
    set manual(value: boolean) {
      memory.setU32(layout.M_RCU_MANUAL, value ? 1 : 0);
    },
    readLock: (cpu) => memory.on(cpu, () => exports.rcu_read_lock()),
    readUnlock: (cpu) => memory.on(cpu, () => exports.rcu_read_unlock()),
    readLockTrace: (cpu) => memory.on(cpu, () => exports.rcu_read_lock_trace()),
    readUnlockTrace: (cpu) => memory.on(cpu, () => exports.rcu_read_unlock_trace()),
    get irqWorkDelayed() {
      return memory.u32At(layout.M_IRQ_WORK_DELAYED) !== 0;
    },
    set irqWorkDelayed(value: boolean) {
      memory.setU32(layout.M_IRQ_WORK_DELAYED, value ? 1 : 0);
    },
    runIrqWork: (cpu) => memory.on(cpu, () => exports.irq_work_run_now()),
  };
}
