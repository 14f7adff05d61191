// Exploration of interleavings (src/explore): steps of programs. The module that explores is this one, rewritten so that each load
// and store is noted first (explore_notes.ts).
import { OP_CALL_HELPER, OP_CALL_KFUNC } from '../generated/ops';
import { PC_RCU_NESTING, PC_RCU_TRACE_NESTING } from '../layout';
import { interp_run } from './bpf/interp';
import { M_ASYNC_STARTED, PC_ASYNC_WAIT } from './bpf/map_layout';
import { IC_PC, IC_R1, II_IMM, II_OP, INTERP_EXITED, INTERP_RUNNING } from './bpf/prog_layout';
import { callback_begins, callback_ends, starts_waiting, waits } from './explore_async';
import { explore_note_full } from './explore_notes';
import { wide_ends, wide_goes_on, wide_kind, wide_starts } from './explore_wide';
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
  X_LOST,
  X_STOP,
  X_WAITS_FOR,
  XT_EXITED,
  XT_FAULT,
  XT_INSNS,
  XT_INTERP,
  XT_NEW,
  XT_PERCPU,
  XT_RUNNING,
  XT_SLEEPABLE,
  XT_STATE,
} from './explore_layout';

/**
 * Runs a thread up to and including its next access to shared memory, at most `budget` instructions. Returns STEP_: with
 * STEP_BLOCKED the instruction at hand has not run, with STEP_WIDE a part of it has.
 */
export function explore_step(thread: usize, budget: u32): u32 {
  const cpu: usize = load<u32>(thread, XT_PERCPU);
  set_this_cpu(cpu);
  const ic: usize = load<u32>(thread, XT_INTERP);
  const sleepable = load<u32>(thread, XT_SLEEPABLE) != 0;
  store<u32>(X_STOP, 0);
  store<u64>(X_LOST, 0);
  store<u32>(X_WAITS_FOR, 0);
  store<u32>(M_ASYNC_STARTED, 0);
  if (waits(thread)) return STEP_BLOCKED;
  if (load<u32>(thread, XT_STATE) == XT_NEW) {
    store<u32>(thread, XT_RUNNING, XT_STATE);
    bpf_prog_enter(sleepable);
  }
  for (; budget && !explore_note_full(); budget--) {
    const pc: usize = load<u32>(ic, IC_PC);
    const op = <u32>load<u8>(pc, II_OP);
    const id = load<u32>(pc, II_IMM);
    if (op == OP_CALL_HELPER && id == HELPER_SPIN_LOCK && load<u32>(<usize>load<u32>(ic, IC_R1))) {
      store<u32>(X_WAITS_FOR, load<u32>(ic, IC_R1));
      return STEP_BLOCKED;
    }
    const wide = op == OP_CALL_KFUNC ? wide_kind(id) : 0;
    const within = wide != 0 && wide_starts(thread, ic, wide);
    if (within && !wide_goes_on(thread, ic, wide, id)) return STEP_WIDE;
    const reading = load<u32>(cpu, PC_RCU_NESTING) + load<u32>(cpu, PC_RCU_TRACE_NESTING);
    const status = within ? wide_ends(thread, ic, wide) : interp_run(ic, 1);
    store<u32>(thread, load<u32>(thread, XT_INSNS) + 1, XT_INSNS);
    if (status != INTERP_RUNNING) {
      store<u32>(thread, status == INTERP_EXITED ? XT_EXITED : XT_FAULT, XT_STATE);
      if (status == INTERP_EXITED) {
        bpf_prog_exit(sleepable);
        callback_ends(thread);
      }
      return STEP_ENDED;
    }
    // Whoever is started may run next.
    if (starts_waiting(thread, cpu) || load<u32>(M_ASYNC_STARTED)) return STEP_SHARED;
    if (load<u32>(X_STOP) || load<u32>(cpu, PC_RCU_NESTING) + load<u32>(cpu, PC_RCU_TRACE_NESTING) < reading) {
      return STEP_SHARED;
    }
  }
  return STEP_BUDGET;
}

/**
 * The callback of a timer or work item begins on the CPU whose per-CPU area is `cpu`: callback_begins. A step of its own, since
 * others may come before its first access.
 */
export function explore_callback(thread: usize, work: usize, prog: usize, cpu: usize): void {
  set_this_cpu(cpu);
  store<u64>(X_LOST, 0);
  store<u32>(M_ASYNC_STARTED, 0);
  store<u32>(thread, <u32>cpu, XT_PERCPU);
  callback_begins(thread, work, prog);
}

/** Ends the grace periods that can end, on the CPU whose per-CPU area is `cpu`. */
export function explore_grace_period(cpu: usize): void {
  set_this_cpu(cpu);
  rcu_advance();
  // Nobody is held up by a timer that a grace period frees while it runs.
  store<u32>(cpu, 0, PC_ASYNC_WAIT);
}
