// What programs call around read sides: kfuncs of kernel/bpf/helpers.c, and how a program is entered and left. Disabled
// preemption and disabled interrupts are RCU read-side sections too, as in every kernel since the flavours were merged.
import { PC_IRQ_OFF, PC_MIGRATE, PC_PREEMPT, WARN_UNBALANCED } from '../../layout';
import { this_cpu } from '../gs';
import { irq_work_run } from '../irq_work';
import { warn } from '../warn';
import { rcu_read_lock, rcu_read_lock_trace, rcu_read_unlock, rcu_read_unlock_trace } from './tree';

export function bpf_rcu_read_lock(): void {
  rcu_read_lock();
}

export function bpf_rcu_read_unlock(): void {
  rcu_read_unlock();
}

// @ts-ignore: decorator
@inline
function inc(field: usize): void {
  const cpu = this_cpu();
  store<u32>(cpu + field, load<u32>(cpu + field) + 1);
}

// True when that was the outermost one.
// @ts-ignore: decorator
@inline
function dec(field: usize): bool {
  const cpu = this_cpu();
  const depth = load<u32>(cpu + field);
  if (!depth) {
    warn(WARN_UNBALANCED, <u32>field, 0);
    return false;
  }
  store<u32>(cpu + field, depth - 1);
  return depth == 1;
}

export function preempt_disable(): void {
  inc(PC_PREEMPT);
  rcu_read_lock();
}

export function preempt_enable(): void {
  dec(PC_PREEMPT);
  rcu_read_unlock();
}

export function bpf_preempt_disable(): void {
  preempt_disable();
}

export function bpf_preempt_enable(): void {
  preempt_enable();
}

export function migrate_disable(): void {
  inc(PC_MIGRATE);
}

export function migrate_enable(): void {
  dec(PC_MIGRATE);
}

/** Interrupts off; nests. */
export function local_irq_save(): void {
  inc(PC_IRQ_OFF);
  rcu_read_lock();
}

/** Interrupts as before the matching local_irq_save; what they kept waiting runs when they come on. */
export function local_irq_restore(): void {
  const on = dec(PC_IRQ_OFF);
  rcu_read_unlock();
  if (on) irq_work_run();
}

/** Flags of x86: interrupts enabled, and the bit that is always 1. */
const IRQS_ON: u64 = 0x202;
const IRQS_OFF: u64 = 0x2;

export function bpf_local_irq_save(flags: usize): void {
  store<u64>(flags, load<u32>(this_cpu(), PC_IRQ_OFF) ? IRQS_OFF : IRQS_ON);
  local_irq_save();
}

export function bpf_local_irq_restore(flags: usize): void {
  // The saved word is the verifier's business: it holds the order of saves and restores.
  local_irq_restore();
}

/** How the kernel enters a program: migration off, and a read-side section of the kind that suits it. */
export function bpf_prog_enter(sleepable: bool): void {
  if (sleepable) rcu_read_lock_trace();
  else rcu_read_lock();
  migrate_disable();
}

export function bpf_prog_exit(sleepable: bool): void {
  migrate_enable();
  if (sleepable) rcu_read_unlock_trace();
  else rcu_read_unlock();
}
