// A run of the interpreter: its loop (core.ts), and what that leaves: calls, ends and faults, and accesses that are not within one
// granule of plain memory (mem.ts). All state is in struct interp whenever it returns, so that a run can stop after any number of
// instructions and go on later.
import { call_helper, call_kfunc } from '../../generated/dispatch';
import {
  OP_CALL_ENGINE, OP_CALL_HELPER, OP_CALL_KFUNC, OP_CALL_LOCAL, OP_CALL_NOTHING, OP_EXIT, OP_INVALID, OP_LD_ABS16,
  OP_LD_ABS32, OP_LD_ABS8, OP_LD_IND16, OP_LD_IND32, OP_LD_IND8, OP_PAST_END,
} from '../../generated/ops';
import { M_MEMORY_LIMIT, PC_SITE } from '../../layout';
import { this_cpu } from '../gs';
import { engine_call } from './call';
import { run_insns } from './core';
import { enter_prog, leave, push_frame } from './frames';
import { check_args, fault, packet_insn, run_access } from './mem';
import {
  BP_ID,
  BP_INSNS,
  FAULT_CALL,
  FAULT_OPCODE,
  FAULT_PAST_END,
  FRAME_CALL,
  IC_INSNS,
  IC_PC,
  IC_PROG,
  IC_STATUS,
  II_CHECK_ARGS,
  II_FLAGS,
  II_IMM,
  II_OFF,
  II_OP,
  INSN_SHIFT,
  INSN_STRIDE,
} from './prog_layout';

/** As many instructions as the loop takes at once. */
const PART: u32 = (1 << 28) - 1;

// Notes which instruction calls, for objects and warnings.
// @ts-ignore: decorator
@inline
function note_site(ic: usize, pc: usize): void {
  const prog: usize = load<u32>(ic, IC_PROG);
  const index = <u32>(pc - <usize>load<u32>(prog, BP_INSNS)) >> INSN_SHIFT;
  store<u32>(this_cpu(), (load<u32>(prog, BP_ID) << 20) | index, PC_SITE);
}

// @ts-ignore: decorator
@inline
function args_ok(ic: usize, pc: usize): bool {
  return !(load<u8>(pc, II_FLAGS) & II_CHECK_ARGS) || check_args(ic, load<u32>(pc, II_OFF));
}

/** The instruction to go on with; 0 when the run is over or faulted. */
function refuse(ic: usize, kind: u32): usize {
  fault(ic, kind);
  return 0;
}

// Runs the instruction at `pc`, which the loop left; the instruction to go on with, 0 when the run is over or faulted.
// @ts-ignore: decorator
@inline
function run_left(ic: usize, pc: usize): usize {
  switch (<u32>load<u8>(pc, II_OP)) {
    case OP_CALL_KFUNC:
      note_site(ic, pc);
      if (!args_ok(ic, pc)) return 0;
      return call_kfunc(load<u32>(pc, II_IMM), ic) ? pc + INSN_STRIDE : refuse(ic, FAULT_CALL);
    case OP_CALL_HELPER:
      note_site(ic, pc);
      if (!args_ok(ic, pc)) return 0;
      return call_helper(load<u32>(pc, II_IMM), ic) ? pc + INSN_STRIDE : refuse(ic, FAULT_CALL);
    case OP_CALL_ENGINE:
      note_site(ic, pc);
      return args_ok(ic, pc) ? engine_call(ic, pc) : 0;
    case OP_CALL_LOCAL:
      return push_frame(ic, pc + INSN_STRIDE, FRAME_CALL) ? pc + load<i32>(pc, II_OFF) : 0;
    case OP_EXIT:
      return leave(ic);
    case OP_LD_ABS8:
    case OP_LD_ABS16:
    case OP_LD_ABS32:
    case OP_LD_IND8:
    case OP_LD_IND16:
    case OP_LD_IND32:
      if (packet_insn(ic, pc)) return pc + INSN_STRIDE;
      return load<u32>(ic, IC_STATUS) ? 0 : leave(ic);
    case OP_CALL_NOTHING:
      return refuse(ic, FAULT_CALL);
    case OP_PAST_END:
      return refuse(ic, FAULT_PAST_END);
    case OP_INVALID:
      return refuse(ic, FAULT_OPCODE);
    default:
      return run_access(ic, pc) ? pc + INSN_STRIDE : 0;
  }
}

/**
 * Runs up to `budget` instructions of what interp_start prepared, on the current CPU. Returns INTERP_RUNNING when the budget
 * is used up; call again to go on.
 */
export function interp_run(ic: usize, budget: u32): u32 {
  const limit: u64 = load<u32>(M_MEMORY_LIMIT);
  enter_prog(load<u32>(ic, IC_PROG));
  let left = budget;
  while (left) {
    const part = min(left, PART);
    const rest = run_insns(ic, limit, part);
    left -= part - rest;
    if (!rest) continue;
    const pc: usize = load<u32>(ic, IC_PC);
    const next = run_left(ic, pc);
    left--;
    if (!next) break;
    store<u32>(ic, <u32>next, IC_PC);
  }
  store<u32>(this_cpu(), 0, PC_SITE);
  store<u64>(ic, load<u64>(ic, IC_INSNS) + <u64>(budget - left), IC_INSNS);
  return load<u32>(ic, IC_STATUS);
}
