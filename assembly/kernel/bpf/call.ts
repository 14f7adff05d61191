// Functions that the engine runs itself, because they call back into the program or do not return to it.
import { callback_pc, leave, loop_start, unwind } from './frames';
import { fault } from './mem';
import {
  BP_EXCEPTION_CB,
  BPF_MAX_LOOPS,
  ENGINE_ECHO,
  ENGINE_LOOP,
  ENGINE_THROW,
  FAULT_CALL,
  IC_PROG,
  IC_R1,
  IC_R2,
  IC_R3,
  IC_R4,
  II_IMM,
  INSN_STRIDE,
} from './prog_layout';

const EINVAL: i64 = 22;
const E2BIG: i64 = 7;

// The call is over with this result; goes on behind it.
// @ts-ignore: decorator
@inline
function done(ic: usize, pc: usize, r0: i64): usize {
  store<i64>(ic, r0);
  return pc + INSN_STRIDE;
}

function bpf_loop(ic: usize, pc: usize): usize {
  const iterations = load<u32>(ic, IC_R1);
  if (load<u64>(ic, IC_R4)) return done(ic, pc, -EINVAL);
  if (iterations > <u32>BPF_MAX_LOOPS) return done(ic, pc, -E2BIG);
  if (!iterations) return done(ic, pc, 0);
  const callback = callback_pc(ic, load<u64>(ic, IC_R2));
  if (!callback) return 0;
  return loop_start(ic, pc + INSN_STRIDE, iterations, callback, load<u64>(ic, IC_R3));
}

/** Runs the OP_CALL_ENGINE at `pc`; the instruction to go on with, 0 when the run is over or faulted. */
export function engine_call(ic: usize, pc: usize): usize {
  switch (load<u32>(pc, II_IMM)) {
    case ENGINE_LOOP:
      return bpf_loop(ic, pc);
    case ENGINE_THROW:
      return unwind(ic, load<u32>(<usize>load<u32>(ic, IC_PROG), BP_EXCEPTION_CB), load<u64>(ic, IC_R1));
    case ENGINE_ECHO:
      return done(ic, pc, load<i64>(ic, IC_R1));
  }
  fault(ic, FAULT_CALL);
  return 0;
}
