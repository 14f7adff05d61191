/** Deferred work of programs: bpf_timer and bpf_wq callbacks, run on the machine's clock. */
import * as map from '../../assembly/kernel/bpf/map_layout.ts';
import type { RunOutcome } from '../engine/engine.ts';
import type { KernelMemory } from '../kernel/memory.ts';

/** Callbacks that one moment may run: one that starts itself again at once would never end. */
const MAX_CALLBACKS = 1024;

/** What runs a callback: the program that set it, by its id. */
export type CallbackRunner = (
  program: number,
  callback: bigint,
  options: { readonly cpu: number; readonly args: readonly bigint[]; readonly sleepable: boolean },
) => RunOutcome | null;

/** Runs what is due: work items, then timers, in the order of their expiry. Returns how many ran. */
function runDue(memory: KernelMemory, run: CallbackRunner): number {
  const { exports } = memory;
  let count = 0;
  while (count < MAX_CALLBACKS) {
    const work = exports.async_next() >>> 0;
    if (work === 0) break;
    const at = (field: number) => memory.u32At(work + field);
    const callback = memory.dv().getBigUint64(work + map.BA_CALLBACK, true);
    const args = [at(map.BA_MAP), at(map.BA_KEY), at(map.BA_VALUE)].map((offset) => memory.address(offset));
    // BA_KIND 1: a work item, which runs in a thread of its own.
    run(at(map.BA_PROG), callback, { cpu: at(map.BA_CPU), args, sleepable: at(map.BA_KIND) === 1 });
    exports.async_done(work);
    count++;
  }
  return count;
}

/** Lets the clock reach `until` (nanoseconds) and runs what becomes due on the way, each at its own time. */
export function passTime(memory: KernelMemory, clock: number, until: bigint, run: CallbackRunner): void {
  const set = (now: bigint) => memory.dv().setBigUint64(clock, now, true);
  const now = () => memory.dv().getBigUint64(clock, true);
  runDue(memory, run);
  for (let due = memory.exports.timer_next_expiry(); due !== 0n && due <= until; ) {
    if (due > now()) set(due);
    if (runDue(memory, run) === MAX_CALLBACKS) break;
    due = memory.exports.timer_next_expiry();
  }
  if (until > now()) set(until);
}
