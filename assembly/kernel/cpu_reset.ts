// What becomes of a CPU whose program was stopped half way, or whose thread died: it leaves whatever it was in. References that
// the program held stay counted: they are leaks, and reported as such.
import {
  M_RCU_ADVANCING,
  PC_CPU,
  PC_IN_IRQ_WORK,
  PC_IRQ_OFF,
  PC_MIGRATE,
  PC_PREEMPT,
  PC_RCU_NESTING,
  PC_RCU_READER,
  PC_RCU_TRACE_NESTING,
  PC_RCU_TRACE_READER,
  PC_SITE,
} from '../layout';
import { release_locks } from '../lib/spinlock';
import { this_cpu } from './gs';
import { irq_work_run } from './irq_work';
import { rcu_advance } from './rcu/tree';

/** Releases this CPU's locks, ends its read sections and lets its interrupts in. */
export function cpu_reset(): void {
  const cpu = this_cpu();
  release_locks();
  atomic.cmpxchg<u32>(M_RCU_ADVANCING, load<u32>(cpu, PC_CPU) + 1, 0);
  store<u32>(cpu, 0, PC_SITE);
  store<u32>(cpu, 0, PC_PREEMPT);
  store<u32>(cpu, 0, PC_MIGRATE);
  store<u32>(cpu, 0, PC_IRQ_OFF);
  store<u32>(cpu, 0, PC_IN_IRQ_WORK);
  store<u32>(cpu, 0, PC_RCU_NESTING);
  store<u32>(cpu, 0, PC_RCU_TRACE_NESTING);
  atomic.store<u64>(cpu + PC_RCU_READER, 0);
  atomic.store<u64>(cpu + PC_RCU_TRACE_READER, 0);
  rcu_advance();
  irq_work_run();
}
