// What a program that was stopped in the middle leaves behind: sections that it entered and a lock that it holds. The next
// program on this CPU must find none of it.
import { PC_IRQ_OFF, PC_PREEMPT, PC_RCU_NESTING, PC_RCU_TRACE_NESTING } from '../../layout';
import { this_cpu } from '../gs';
import { raw_spin_unlock } from '../../lib/spinlock';
import { bpf_preempt_enable, local_irq_restore } from '../rcu/read_side';
import { rcu_read_unlock, rcu_read_unlock_trace } from '../rcu/tree';
import { PC_SPIN_LOCK } from './map_layout';

/** Notes how deep in sections this CPU is, at `at`: four u32. */
export function prog_save(at: usize): void {
  const cpu = this_cpu();
  store<u32>(at, load<u32>(cpu, PC_PREEMPT));
  store<u32>(at, load<u32>(cpu, PC_IRQ_OFF), 4);
  store<u32>(at, load<u32>(cpu, PC_RCU_NESTING), 8);
  store<u32>(at, load<u32>(cpu, PC_RCU_TRACE_NESTING), 12);
}

/** Leaves what was entered since, innermost kinds last. */
export function prog_unwind(at: usize): void {
  const cpu = this_cpu();
  const lock: usize = load<u32>(cpu, PC_SPIN_LOCK);
  if (lock) {
    raw_spin_unlock(lock);
    store<u32>(cpu, 0, PC_SPIN_LOCK);
  }
  while (load<u32>(cpu, PC_IRQ_OFF) > load<u32>(at, 4)) local_irq_restore();
  while (load<u32>(cpu, PC_PREEMPT) > load<u32>(at)) bpf_preempt_enable();
  while (load<u32>(cpu, PC_RCU_NESTING) > load<u32>(at, 8)) rcu_read_unlock();
  while (load<u32>(cpu, PC_RCU_TRACE_NESTING) > load<u32>(at, 12)) rcu_read_unlock_trace();
}
