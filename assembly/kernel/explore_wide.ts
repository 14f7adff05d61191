// Exploration of operations on whole masks: the kernel reads and writes them word by word, and others may come between any two
// accesses. What was read so far lies in masks of the thread's own, on which the kfunc itself works out what to write.
import { call_kfunc } from '../generated/dispatch';
import { M_CPUMASK_SIZE } from '../layout';
import { bits_to_longs } from '../lib/bitmap';
import { large_cpumask_bits, small_cpumask_bits } from '../lib/cpumask';
import { kasan_ok } from '../mm/kasan';
import { interp_run } from './bpf/interp';
import { IC_R1, IC_R2, IC_R3 } from './bpf/prog_layout';
import {
  SCRATCH_REGS,
  UNTIL_SHARED,
  WIDE_ARGS,
  WIDE_LARGE,
  WIDE_READS,
  WIDE_SIZED,
  WIDE_SOURCES,
  WIDE_WRITES,
  X_LOST,
  X_LOST_WORD,
  X_STOP,
  X_UNTIL,
  X_WIDE,
  X_WIDE_COUNT,
  XT_ACCESSES,
  XT_SCRATCH,
  XT_SCRATCH_SIZE,
} from './explore_layout';
import { explore_note_pause, explore_note_resume, explore_note_shared } from './explore_notes';

/** WIDE_ bits of a kfunc. */
// @ts-ignore: decorator
@inline
export function wide_kind(id: u32): u32 {
  return id < load<u32>(X_WIDE_COUNT) ? <u32>load<u8>(<usize>load<u32>(X_WIDE) + id) : 0;
}

// @ts-ignore: decorator
@inline
function words_of(wide: u32): u32 {
  return bits_to_longs(wide & WIDE_LARGE ? large_cpumask_bits() : small_cpumask_bits());
}

// @ts-ignore: decorator
@inline
function reads(wide: u32, arg: u32): bool {
  return (wide & (<u32>WIDE_READS << arg)) != 0;
}

// @ts-ignore: decorator
@inline
function writes(wide: u32, arg: u32): bool {
  return !arg && (wide & WIDE_WRITES) != 0;
}

// Accesses to each word.
// @ts-ignore: decorator
@inline
function accesses_of(wide: u32): u32 {
  return popcnt(wide & <u32>WIDE_SOURCES) + (wide & <u32>WIDE_WRITES);
}

// Argument number `arg`, from 0, as it is in registers at `regs`.
// @ts-ignore: decorator
@inline
function argument(regs: usize, arg: u32): usize {
  return <usize>load<u32>(regs + IC_R1 + (arg << 3));
}

// The thread's own mask for an argument.
// @ts-ignore: decorator
@inline
function own(thread: usize, arg: u32): usize {
  return <usize>load<u32>(thread, XT_SCRATCH) + SCRATCH_REGS + arg * load<u32>(thread, XT_SCRATCH_SIZE);
}

/** Is the operation at hand one of several accesses, of which others may see one and not the next? */
export function wide_starts(thread: usize, ic: usize, wide: u32): bool {
  const words = words_of(wide);
  if (words * accesses_of(wide) == 1) return false;
  const size = wide & WIDE_SIZED ? words << 3 : load<u32>(M_CPUMASK_SIZE);
  let goes = load<u32>(thread, XT_ACCESSES) != 0 || load<u32>(X_UNTIL) != UNTIL_SHARED;
  for (let arg: u32 = 0; arg < <u32>WIDE_ARGS; arg++) {
    if (!writes(wide, arg) && !reads(wide, arg)) continue;
    const mask = argument(ic, arg);
    if (!kasan_ok(mask, size, writes(wide, arg))) {
      // It runs whole, and faults.
      store<u32>(thread, 0, XT_ACCESSES);
      return false;
    }
    if (!goes) goes = explore_note_shared(mask, words << 3);
  }
  return goes && (!(wide & WIDE_SIZED) || load<u64>(ic, IC_R3) >= <u64>size);
}

// The kfunc on the thread's own masks, of which only one word counts. It is done anew for each word, so no notes are taken of it.
function work_out(thread: usize, ic: usize, wide: u32, id: u32): void {
  const regs: usize = load<u32>(thread, XT_SCRATCH);
  for (let arg: u32 = 0; arg < <u32>WIDE_ARGS; arg++) store<u64>(regs + IC_R1 + (arg << 3), load<u64>(ic + IC_R1 + (arg << 3)));
  own_arguments(thread, regs, wide);
  const notes = explore_note_pause();
  call_kfunc(id, regs);
  explore_note_resume(notes);
}

function own_arguments(thread: usize, regs: usize, wide: u32): void {
  for (let arg: u32 = 0; arg < <u32>WIDE_ARGS; arg++) {
    if (reads(wide, arg) || writes(wide, arg)) store<u32>(regs + IC_R1 + (arg << 3), <u32>own(thread, arg));
  }
}

// Reads word `word` of the source that is the `nth` of those that there are.
function read_word(thread: usize, ic: usize, wide: u32, nth: u32, word: u32): void {
  let arg: u32 = 0;
  while (!reads(wide, arg) || nth--) arg++;
  store<u64>(own(thread, arg) + (word << 3), load<u64>(argument(ic, arg) + (word << 3)));
}

// Writes what was worked out. What another thread has written since this one read the same word is lost.
function write_word(thread: usize, ic: usize, wide: u32, word: u32): void {
  const at = argument(ic, 0) + (word << 3);
  const value = load<u64>(own(thread, 0) + (word << 3));
  for (let arg: u32 = 1; arg < <u32>WIDE_ARGS; arg++) {
    if (!reads(wide, arg) || argument(ic, arg) != argument(ic, 0)) continue;
    const now = load<u64>(at);
    const lost = (load<u64>(own(thread, arg) + (word << 3)) ^ now) & (now ^ value);
    if (!lost) continue;
    store<u64>(X_LOST, lost);
    store<u32>(X_LOST_WORD, word);
  }
  store<u64>(at, value);
}

/** Makes accesses of the operation at hand, all but the last one; false when it is left before that. */
export function wide_goes_on(thread: usize, ic: usize, wide: u32, id: u32): bool {
  const until = load<u32>(X_UNTIL);
  const each = accesses_of(wide);
  const last = words_of(wide) * each - 1;
  let at = load<u32>(thread, XT_ACCESSES);
  while (at < last) {
    const word = at / each;
    if (wide & WIDE_WRITES && at % each == each - 1) {
      work_out(thread, ic, wide, id);
      write_word(thread, ic, wide, word);
    } else read_word(thread, ic, wide, at % each, word);
    store<u32>(thread, ++at, XT_ACCESSES);
    if (until == UNTIL_SHARED ? load<u32>(X_STOP) != 0 : at == until) return false;
  }
  return true;
}

/** The last access, and with it the instruction. Returns INTERP_. */
export function wide_ends(thread: usize, ic: usize, wide: u32): u32 {
  const word = words_of(wide) - 1;
  if (!(wide & WIDE_WRITES)) read_word(thread, ic, wide, accesses_of(wide) - 1, word);
  const first = load<u64>(ic, IC_R1);
  const second = load<u64>(ic, IC_R2);
  const third = load<u64>(ic, IC_R3);
  own_arguments(thread, ic, wide);
  const status = interp_run(ic, 1);
  store<u64>(ic, first, IC_R1);
  store<u64>(ic, second, IC_R2);
  store<u64>(ic, third, IC_R3);
  if (wide & WIDE_WRITES) write_word(thread, ic, wide, word);
  store<u32>(thread, 0, XT_ACCESSES);
  return status;
}
