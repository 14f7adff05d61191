// Locks of the simulated kernel's own structures. The word holds 0, or 1 + the CPU that owns it; a CPU notes which it holds, so
// that what a worker that died had locked can be given back.
import { PC_CPU, PC_LOCKS, PC_LOCKS_HELD, LOCKS_HELD_MAX } from '../layout';
import { X_LOG_AT, X_WAITS_FOR } from '../kernel/explore_layout';
import { this_cpu } from '../kernel/gs';

export function raw_spin_lock(lock: usize): void {
  const cpu = this_cpu();
  const owner = load<u32>(cpu, PC_CPU) + 1;
  const held = load<u32>(cpu, PC_LOCKS_HELD);
  // Noted before it is taken: whoever cleans up looks whose it is.
  if (held < <u32>LOCKS_HELD_MAX) store<u32>(cpu + (<usize>held << 2), <u32>lock, PC_LOCKS);
  store<u32>(cpu, held + 1, PC_LOCKS_HELD);
  while (atomic.cmpxchg<u32>(lock, 0, owner) != 0) {
    // Where interleavings are tried nobody else runs meanwhile: the step is taken back, and tried again later.
    if (load<u32>(X_LOG_AT)) {
      store<u32>(X_WAITS_FOR, <u32>lock);
      unreachable();
    }
    while (atomic.load<u32>(lock) != 0) {}
  }
}

// @ts-ignore: decorator
@inline
export function raw_spin_unlock(lock: usize): void {
  const cpu = this_cpu();
  atomic.store<u32>(lock, 0);
  store<u32>(cpu, load<u32>(cpu, PC_LOCKS_HELD) - 1, PC_LOCKS_HELD);
}

/** Gives back every lock that this CPU holds, whatever state that leaves behind. */
export function release_locks(): void {
  const cpu = this_cpu();
  const owner = load<u32>(cpu, PC_CPU) + 1;
  for (let i: usize = 0; i < <usize>LOCKS_HELD_MAX; i++) {
    const lock: usize = load<u32>(cpu + (i << 2), PC_LOCKS);
    if (lock) atomic.cmpxchg<u32>(lock, owner, 0);
  }
  store<u32>(cpu, 0, PC_LOCKS_HELD);
}
