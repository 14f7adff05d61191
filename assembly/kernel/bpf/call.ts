// Functions that the engine runs itself, because they call back into the program or do not return to it.
import { fd_array_map_lookup } from './arraymap';
import { callback_pc, each_start, enter_prog, frame_of, loop_start, rbtree_start, unwind } from './frames';
import { fault } from './mem';
import { rbtree_add_start } from './rbtree';
import {
  BP_EXCEPTION_CB,
  BP_INSNS,
  BPF_MAX_LOOPS,
  ENGINE_ECHO,
  ENGINE_FOR_EACH,
  ENGINE_LOOP,
  ENGINE_RBTREE_ADD,
  ENGINE_TAIL_CALL,
  ENGINE_THROW,
  FAULT_CALL,
  FR_MAY_GOTO,
  IC_DEPTH,
  IC_PROG,
  IC_R1,
  IC_R2,
  IC_R3,
  IC_R4,
  IC_TAIL_CALLS,
  II_IMM,
  INSN_STRIDE,
  MAX_TAIL_CALL_CNT,
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

function bpf_for_each_map_elem(ic: usize, pc: usize): usize {
  if (load<u64>(ic, IC_R4)) return done(ic, pc, -EINVAL);
  const callback = callback_pc(ic, load<u64>(ic, IC_R2));
  if (!callback) return 0;
  return each_start(ic, pc + INSN_STRIDE, load<u32>(ic, IC_R1), callback, load<u64>(ic, IC_R3));
}

function bpf_rbtree_add_impl(ic: usize, pc: usize): usize {
  const root: usize = load<u32>(ic, IC_R1);
  const node: usize = load<u32>(ic, IC_R2);
  const callback = callback_pc(ic, load<u64>(ic, IC_R3));
  if (!callback) return 0;
  const err = rbtree_add_start(root, node);
  if (err) return done(ic, pc, <i64><u64><u32>err);
  return rbtree_start(ic, pc + INSN_STRIDE, root, node, callback);
}

/** Goes on in another program, in this frame, with its context still in r1; behind the call when there is none. */
function bpf_tail_call(ic: usize, pc: usize): usize {
  const calls = load<u32>(ic, IC_TAIL_CALLS);
  const prog = fd_array_map_lookup(load<u32>(ic, IC_R2), load<u32>(ic, IC_R3));
  if (!prog || calls >= <u32>MAX_TAIL_CALL_CNT) return pc + INSN_STRIDE;
  store<u32>(ic, calls + 1, IC_TAIL_CALLS);
  store<u32>(ic, <u32>prog, IC_PROG);
  store<u32>(frame_of(ic, load<u32>(ic, IC_DEPTH)), BPF_MAX_LOOPS, FR_MAY_GOTO);
  enter_prog(prog);
  return load<u32>(prog, BP_INSNS);
}

/** Runs the OP_CALL_ENGINE at `pc`; the instruction to go on with, 0 when the run is over or faulted. */
export function engine_call(ic: usize, pc: usize): usize {
  switch (load<u32>(pc, II_IMM)) {
    case ENGINE_LOOP:
      return bpf_loop(ic, pc);
    case ENGINE_FOR_EACH:
      return bpf_for_each_map_elem(ic, pc);
    case ENGINE_RBTREE_ADD:
      return bpf_rbtree_add_impl(ic, pc);
    case ENGINE_TAIL_CALL:
      return bpf_tail_call(ic, pc);
    case ENGINE_THROW:
      return unwind(ic, load<u32>(<usize>load<u32>(ic, IC_PROG), BP_EXCEPTION_CB), load<u64>(ic, IC_R1));
    case ENGINE_ECHO:
      return done(ic, pc, load<i64>(ic, IC_R1));
  }
  fault(ic, FAULT_CALL);
  return 0;
}
