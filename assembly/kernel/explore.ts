// Exploration of interleavings (src/explore): steps of programs. The module that explores is this one, rewritten so that each load
// and store is noted first (explore_notes.ts).
import { OP_CALL_HELPER, OP_CALL_KFUNC } from '../generated/ops';
import { M_CPUMASK_SIZE, PC_RCU_NESTING, PC_RCU_TRACE_NESTING } from '../layout';
import { kasan_ok } from '../mm/kasan';
import { interp_run } from './bpf/core';
import { IC_PC, IC_R1, II_IMM, II_OP, INTERP_EXITED, INTERP_RUNNING } from './bpf/prog_layout';
import { explore_note_shared } from './explore_notes';
import { set_this_cpu } from './gs';
import { bpf_prog_enter, bpf_prog_exit } from './rcu/read_side';
import { rcu_advance } from './rcu/tree';
import {
  HELPER_SPIN_LOCK,
  STEP_BLOCKED,
  STEP_BUDGET,
  STEP_ENDED,
  STEP_SHARED,
  STEP_WIDE,
  X_STOP,
  X_WIDE,
  X_WIDE_COUNT,
  XT_CAPTURED,
  XT_DST,
  XT_EXITED,
  XT_FAULT,
  XT_INSNS,
  XT_INTERP,
  XT_NEW,
  XT_OLD,
  XT_PERCPU,
  XT_RUNNING,
  XT_SCRATCH,
  XT_SLEEPABLE,
  XT_STATE,
} from './explore_layout';

// Does the wide operation at hand read a mask that others touch?
function splits(ic: usize, id: u32): bool {
  if (id >= load<u32>(X_WIDE_COUNT)) return false;
  const sources = <u32>load<u8>(<usize>load<u32>(X_WIDE) + id);
  for (let arg: u32 = 2; arg <= 3; arg++) {
    if (!(sources & (1 << arg))) continue;
    if (explore_note_shared(<usize>load<u32>(ic + (arg << 3)), load<u32>(M_CPUMASK_SIZE))) return true;
  }
  return false;
}

/**
 * Runs a thread up to and including its next access to shared memory, at most `budget` instructions. Returns STEP_: with
 * STEP_BLOCKED and STEP_WIDE the instruction at hand has not run.
 */
export function explore_step(thread: usize, budget: u32): u32 {
  const cpu: usize = load<u32>(thread, XT_PERCPU);
  set_this_cpu(cpu);
  const ic: usize = load<u32>(thread, XT_INTERP);
  const sleepable = load<u32>(thread, XT_SLEEPABLE) != 0;
  store<u32>(X_STOP, 0);
  if (load<u32>(thread, XT_STATE) == XT_NEW) {
    store<u32>(thread, XT_RUNNING, XT_STATE);
    bpf_prog_enter(sleepable);
  }
  for (; budget; budget--) {
    const pc: usize = load<u32>(ic, IC_PC);
    const op = <u32>load<u8>(pc, II_OP);
    const id = load<u32>(pc, II_IMM);
    if (op == OP_CALL_HELPER && id == HELPER_SPIN_LOCK && load<u32>(<usize>load<u32>(ic, IC_R1))) {
      return STEP_BLOCKED;
    }
    if (op == OP_CALL_KFUNC) {
      if (load<u32>(thread, XT_CAPTURED)) store<u32>(thread, 0, XT_CAPTURED);
      else if (splits(ic, id)) return STEP_WIDE;
    }
    const reading = load<u32>(cpu, PC_RCU_NESTING) + load<u32>(cpu, PC_RCU_TRACE_NESTING);
    const status = interp_run(ic, 1);
    store<u32>(thread, load<u32>(thread, XT_INSNS) + 1, XT_INSNS);
    if (status != INTERP_RUNNING) {
      store<u32>(thread, status == INTERP_EXITED ? XT_EXITED : XT_FAULT, XT_STATE);
      if (status == INTERP_EXITED) bpf_prog_exit(sleepable);
      return STEP_ENDED;
    }
    if (load<u32>(X_STOP) || load<u32>(cpu, PC_RCU_NESTING) + load<u32>(cpu, PC_RCU_TRACE_NESTING) < reading) {
      return STEP_SHARED;
    }
  }
  return STEP_BUDGET;
}

/**
 * First half of a wide operation: reads its sources, as one instant, and lets the second half, the next explore_step, work on what
 * was read. False when a source is not there: then the operation runs whole, and faults.
 */
export function explore_capture(thread: usize, sources: u32): bool {
  const ic: usize = load<u32>(thread, XT_INTERP);
  const size = load<u32>(M_CPUMASK_SIZE);
  let scratch: usize = load<u32>(thread, XT_SCRATCH);
  store<u32>(thread, 1, XT_CAPTURED);
  store<u32>(thread, load<u32>(ic, IC_R1), XT_DST);
  store<u32>(thread, 0, XT_OLD);
  for (let arg: u32 = 2; arg <= 3; arg++) {
    if (!(sources & (1 << arg))) continue;
    if (!kasan_ok(<usize>load<u32>(ic + (arg << 3)), size, false)) return false;
  }
  for (let arg: u32 = 2; arg <= 3; arg++) {
    if (!(sources & (1 << arg))) continue;
    memory.copy(scratch, <usize>load<u32>(ic + (arg << 3)), size);
    if (load<u32>(ic + (arg << 3)) == load<u32>(thread, XT_DST)) store<u32>(thread, <u32>scratch, XT_OLD);
    store<u32>(ic + (arg << 3), <u32>scratch);
    scratch += (size + 31) & ~31;
  }
  return true;
}

/** Ends the grace periods that can end, on the CPU whose per-CPU area is `cpu`. */
export function explore_grace_period(cpu: usize): void {
  set_this_cpu(cpu);
  rcu_advance();
}
