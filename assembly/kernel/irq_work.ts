// kernel/irq_work.c: work that runs on this CPU as soon as interrupts are on.
import {
  IRQ_WORK_MEM_REFILL,
  M_IRQ_WORK_DELAYED,
  MC_IRQ_WORK,
  PC_IN_IRQ_WORK,
  PC_IRQ_OFF,
  PC_IRQ_WORK,
  PC_IRQ_WORK_TAIL,
} from '../layout';
import { bpf_mem_refill } from './bpf/memalloc';
import { this_cpu } from './gs';

function irq_work_do(work: usize): void {
  switch (load<u32>(work, 4)) {
    case IRQ_WORK_MEM_REFILL:
      bpf_mem_refill(work - MC_IRQ_WORK);
      break;
    default:
      unreachable();
  }
}

/** Runs what is queued on this CPU, whatever holds it back. */
export function irq_work_run_now(): void {
  const cpu = this_cpu();
  store<u32>(cpu, 1, PC_IN_IRQ_WORK);
  for (;;) {
    const work: usize = load<u32>(cpu, PC_IRQ_WORK);
    if (!work) break;
    const next = load<u32>(work);
    store<u32>(cpu, next, PC_IRQ_WORK);
    if (!next) store<u32>(cpu, 0, PC_IRQ_WORK_TAIL);
    store<u32>(work, 0);
    store<u32>(work, 0, 8);
    irq_work_do(work);
  }
  store<u32>(cpu, 0, PC_IN_IRQ_WORK);
}

/** Runs what is queued on this CPU, unless interrupts are off or work is delayed (M_IRQ_WORK_DELAYED). */
export function irq_work_run(): void {
  const cpu = this_cpu();
  if (!load<u32>(cpu, PC_IRQ_WORK) || load<u32>(cpu, PC_IRQ_OFF) || load<u32>(cpu, PC_IN_IRQ_WORK)) return;
  if (load<u32>(M_IRQ_WORK_DELAYED)) return;
  irq_work_run_now();
}

/** Queues work on this CPU unless it is queued already; true when it was not. */
export function irq_work_queue(work: usize): bool {
  if (load<u32>(work, 8)) return false;
  const cpu = this_cpu();
  store<u32>(work, 1, 8);
  store<u32>(work, 0);
  const tail: usize = load<u32>(cpu, PC_IRQ_WORK_TAIL);
  if (tail) store<u32>(tail, <u32>work);
  else store<u32>(cpu, <u32>work, PC_IRQ_WORK);
  store<u32>(cpu, <u32>work, PC_IRQ_WORK_TAIL);
  irq_work_run();
  return true;
}

/** Takes work off the queue of the CPU whose per-CPU area is `cpu`, if it is there. That CPU does not run meanwhile. */
export function irq_work_cancel(work: usize, cpu: usize): void {
  if (!load<u32>(work, 8)) return;
  let before: usize = 0;
  let at: usize = load<u32>(cpu, PC_IRQ_WORK);
  while (at && at != work) {
    before = at;
    at = load<u32>(at);
  }
  if (!at) return;
  const next = load<u32>(work);
  if (before) store<u32>(before, next);
  else store<u32>(cpu, next, PC_IRQ_WORK);
  if (!next) store<u32>(cpu, <u32>before, PC_IRQ_WORK_TAIL);
  store<u32>(work, 0, 8);
}
