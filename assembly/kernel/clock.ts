// The clock while CPUs run at the same time. Each goes on by what it runs, one instruction a nanosecond; the machine's is that of the
// CPU that is furthest. Alone, a run's time passes when it has ended (src/machine).
import { M_CLOCK_NS } from '../layout';
import { PC_CLOCK } from './bpf/map_layout';
import { this_cpu } from './gs';

export function clock_begin(): void {
  store<u64>(this_cpu(), load<u64>(M_CLOCK_NS), PC_CLOCK);
}

/** This CPU has run so many instructions more. */
export function clock_ran(insns: f64): void {
  const cpu = this_cpu();
  const now = load<u64>(cpu, PC_CLOCK) + <u64>insns;
  store<u64>(cpu, now, PC_CLOCK);
  let seen = atomic.load<u64>(M_CLOCK_NS);
  while (seen < now) {
    const found = atomic.cmpxchg<u64>(M_CLOCK_NS, seen, now);
    if (found == seen) return;
    seen = found;
  }
}
