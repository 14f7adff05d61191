// Exploration of callbacks of timers and work items: whoever has been started may run at any later moment (src/explore/callbacks.ts).
import { to_addr } from './bpf/addr';
import { interp_start } from './bpf/frames';
import { BA_CALLBACK, BA_KEY, BA_KIND, BA_MAP, BA_STATE, BA_VALUE, PC_ASYNC_WAIT } from './bpf/map_layout';
import { BP_INSNS, IC_R2, IC_R3, INSN_SHIFT } from './bpf/prog_layout';
import { async_begin, async_done, async_wait, async_waited } from './bpf/timer';
import { X_WAITS_FOR, XT_ASYNC, XT_INTERP, XT_RUNNING, XT_RUNS, XT_SLEEPABLE, XT_STATE, XT_WAITS } from './explore_layout';
import { bpf_prog_enter } from './rcu/read_side';

/** The callback of `work`, a pending one, begins as what `thread` runs on this CPU; `prog` is the program that it belongs to. */
export function callback_begins(thread: usize, work: usize, prog: usize): void {
  const ic: usize = load<u32>(thread, XT_INTERP);
  const sleepable = load<u32>(work, BA_KIND);
  const callback = <usize>load<u64>(work, BA_CALLBACK);
  store<u32>(thread, sleepable, XT_SLEEPABLE);
  store<u32>(thread, <u32>work, XT_ASYNC);
  store<u32>(thread, load<u32>(thread, XT_RUNS) + 1, XT_RUNS);
  store<u32>(thread, XT_RUNNING, XT_STATE);
  async_begin(work);
  interp_start(ic, prog, <u32>(callback - <usize>load<u32>(prog, BP_INSNS)) >> INSN_SHIFT, to_addr(load<u32>(work, BA_MAP)));
  store<u64>(ic, to_addr(load<u32>(work, BA_KEY)), IC_R2);
  store<u64>(ic, to_addr(load<u32>(work, BA_VALUE)), IC_R3);
  // A timer's is called in a softirq, which is a read section; a worker enters that of programs that may sleep.
  bpf_prog_enter(sleepable != 0);
}

/** What `thread` ran has returned. */
export function callback_ends(thread: usize): void {
  const work: usize = load<u32>(thread, XT_ASYNC);
  if (!work) return;
  store<u32>(thread, 0, XT_ASYNC);
  async_done(work);
}

/** Has what `thread` just did to wait for a callback that runs elsewhere, before it returns? */
export function starts_waiting(thread: usize, cpu: usize): bool {
  const work: usize = load<u32>(cpu, PC_ASYNC_WAIT);
  if (!work) return false;
  store<u32>(cpu, 0, PC_ASYNC_WAIT);
  store<u32>(thread, <u32>work, XT_WAITS);
  async_wait(work);
  return true;
}

/** Does `thread` still wait for one? */
export function waits(thread: usize): bool {
  const work: usize = load<u32>(thread, XT_WAITS);
  if (!work) return false;
  if (!async_waited(work)) {
    store<u32>(X_WAITS_FOR, <u32>work + BA_STATE);
    return true;
  }
  store<u32>(thread, 0, XT_WAITS);
  return false;
}
