// Locks of the simulated kernel's own structures. The word holds 0, or 1 + the CPU that owns it, so that a lock left behind by
// a worker that died can be told from one in use.
import { PC_CPU } from '../layout';
import { this_cpu } from '../kernel/gs';

export function raw_spin_lock(lock: usize): void {
  const owner = load<u32>(this_cpu(), PC_CPU) + 1;
  while (atomic.cmpxchg<u32>(lock, 0, owner) != 0) {
    while (atomic.load<u32>(lock) != 0) {}
  }
}

// @ts-ignore: decorator
@inline
export function raw_spin_unlock(lock: usize): void {
  atomic.store<u32>(lock, 0);
}
