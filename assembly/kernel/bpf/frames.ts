// Call frames and what their ends continue: local calls, callbacks of helpers as loops that stand in memory, exceptions. All
// state is in struct interp, so a run can stop between any two instructions.
import { kasan_poison, kasan_unpoison, kasan_unpoison_readonly } from '../../mm/kasan';
import { kfree, kmalloc } from '../../mm/slab';
import { ALLOC_STACK, SHADOW_REDZONE, SHADOW_RETURNED } from '../../layout';
import { this_cpu } from '../gs';
import { PC_ATTACH_COOKIE, PC_FUNC_IP, PC_LOCAL_TYPES } from './map_layout';
import { CURSOR_INDEX, CURSOR_KEY, CURSOR_VALUE, MAP_CURSOR_SIZE, map_walk } from './map';
import { KERNEL_BASE, fault } from './mem';
import { rbtree_add_finish, rbtree_child, rbtree_top } from './rbtree';
import {
  BP_COOKIE,
  BP_FUNC_IP,
  BP_INSNS,
  BP_LEN,
  BP_LOCAL_TYPES,
  BPF_MAX_LOOPS,
  FAULT_CALL_DEPTH,
  FAULT_CALLBACK,
  FR_A,
  FR_B,
  FR_C,
  FR_D,
  FR_E,
  FR_KIND,
  FR_MAY_GOTO,
  FR_PROG,
  FR_R6,
  FR_R10,
  FR_RET,
  FRAME_CALL,
  FRAME_EXCEPTION,
  FRAME_FOR_EACH,
  FRAME_LOOP,
  FRAME_RBTREE_ADD,
  FRAME_SIZE,
  IC_CTX,
  IC_DEPTH,
  IC_FRAMES,
  IC_INSNS,
  IC_PACKET,
  IC_PC,
  IC_PROG,
  IC_R1,
  IC_R10,
  IC_R2,
  IC_R3,
  IC_R4,
  IC_R6,
  IC_SIZE,
  IC_STACK_SLACK,
  IC_STACKS,
  IC_STATUS,
  IC_TAIL_CALLS,
  INSN_SHIFT,
  INSN_STRIDE,
  INTERP_EXITED,
  INTERP_RUNNING,
  MAX_FRAMES,
  STACK_REDZONE,
  STACK_SIZE,
  STACK_STRIDE,
} from './prog_layout';

// @ts-ignore: decorator
@inline
function stack_of(ic: usize, depth: u32): usize {
  return <usize>load<u32>(ic, IC_STACKS) + <usize>depth * STACK_STRIDE + STACK_REDZONE;
}

// @ts-ignore: decorator
@inline
export function frame_of(ic: usize, depth: u32): usize {
  return ic + IC_FRAMES + <usize>depth * FRAME_SIZE;
}

/** Makes a frame's stack accessible, and zero, so that a run does not depend on those before it. */
function open_stack(ic: usize, depth: u32): void {
  const stack = stack_of(ic, depth);
  kasan_unpoison(stack, STACK_SIZE + load<u32>(ic, IC_STACK_SLACK));
  memory.fill(stack, 0, STACK_SIZE);
  store<u64>(ic, KERNEL_BASE | <u64>(stack + STACK_SIZE), IC_R10);
  store<u32>(frame_of(ic, depth), BPF_MAX_LOOPS, FR_MAY_GOTO);
}

/** A new struct interp; 0 when memory is out. Programs cannot access it; kfree frees it, after its IC_STACKS. */
export function interp_new(): usize {
  const ic = kmalloc(IC_SIZE, ALLOC_STACK);
  if (!ic) return 0;
  const stacks = kmalloc(MAX_FRAMES * STACK_STRIDE, ALLOC_STACK);
  if (!stacks) {
    kfree(ic);
    return 0;
  }
  kasan_poison(ic, IC_SIZE, SHADOW_REDZONE);
  kasan_poison(stacks, MAX_FRAMES * STACK_STRIDE, SHADOW_REDZONE);
  store<u32>(ic, <u32>stacks, IC_STACKS);
  return ic;
}

/** Prepares a run of `prog` from its instruction `entry` on, with r1 set; other arguments are stored in IC_REGS after. */
export function interp_start(ic: usize, prog: usize, entry: u32, r1: u64): void {
  for (let depth = load<u32>(ic, IC_DEPTH); depth > 0; depth--) close_stack(ic, depth);
  memory.fill(ic, 0, IC_PC);
  store<u64>(ic, r1, IC_R1);
  store<u32>(ic, load<u32>(prog, BP_INSNS) + (entry << INSN_SHIFT), IC_PC);
  store<u32>(ic, <u32>prog, IC_PROG);
  store<u32>(ic, 0, IC_DEPTH);
  store<u32>(ic, INTERP_RUNNING, IC_STATUS);
  store<u64>(ic, 0, IC_INSNS);
  store<u32>(ic, 0, IC_TAIL_CALLS);
  store<u32>(ic, 0, IC_CTX);
  store<u32>(ic, 0, IC_PACKET);
  open_stack(ic, 0);
}

function close_stack(ic: usize, depth: u32): void {
  kasan_poison(stack_of(ic, depth), STACK_SIZE + MAP_CURSOR_SIZE, SHADOW_RETURNED);
}

/** Tells helpers on this CPU which program they work for. */
export function enter_prog(prog: usize): void {
  const cpu = this_cpu();
  store<u32>(cpu, load<u32>(prog, BP_LOCAL_TYPES), PC_LOCAL_TYPES);
  store<u64>(cpu, load<u64>(prog, BP_COOKIE), PC_ATTACH_COOKIE);
  store<u64>(cpu, load<u64>(prog, BP_FUNC_IP), PC_FUNC_IP);
}

/** Enters a function in a frame of its own; 0 after a fault, else the frame. `ret` is the instruction to go on with. */
export function push_frame(ic: usize, ret: usize, kind: u32): usize {
  const depth = load<u32>(ic, IC_DEPTH) + 1;
  if (depth >= <u32>MAX_FRAMES) {
    fault(ic, FAULT_CALL_DEPTH);
    return 0;
  }
  const frame = frame_of(ic, depth);
  store<u32>(frame, <u32>ret, FR_RET);
  store<u32>(frame, kind, FR_KIND);
  store<u32>(frame, load<u32>(ic, IC_PROG), FR_PROG);
  for (let i: usize = 0; i < 40; i += 8) store<u64>(frame + i, load<u64>(ic + i, IC_R6), FR_R6);
  store<u32>(ic, depth, IC_DEPTH);
  open_stack(ic, depth);
  return frame;
}

/** Drops the innermost frame and gives its caller its registers back; returns where that goes on. */
function pop_frame(ic: usize): usize {
  const depth = load<u32>(ic, IC_DEPTH);
  const frame = frame_of(ic, depth);
  close_stack(ic, depth);
  for (let i: usize = 0; i < 40; i += 8) store<u64>(ic + i, load<u64>(frame + i, FR_R6), IC_R6);
  store<u32>(ic, load<u32>(frame, FR_PROG), IC_PROG);
  store<u32>(ic, depth - 1, IC_DEPTH);
  return load<u32>(frame, FR_RET);
}

/** The linked instruction that a callback's address stands for; 0 after a fault. */
export function callback_pc(ic: usize, address: u64): usize {
  const prog: usize = load<u32>(ic, IC_PROG);
  const off = address - KERNEL_BASE - <u64>load<u32>(prog, BP_INSNS);
  if (off < <u64>load<u32>(prog, BP_LEN) << INSN_SHIFT && !(off & (INSN_STRIDE - 1))) return <usize>(address - KERNEL_BASE);
  fault(ic, FAULT_CALLBACK);
  return 0;
}

/** Returns from the innermost frame; the instruction to go on with, 0 when the run is over or faulted. */
export function leave(ic: usize): usize {
  const depth = load<u32>(ic, IC_DEPTH);
  if (depth) {
    switch (load<u32>(frame_of(ic, depth), FR_KIND)) {
      case FRAME_CALL:
        return pop_frame(ic);
      case FRAME_LOOP:
        return loop_next(ic, frame_of(ic, depth));
      case FRAME_FOR_EACH:
        return load<u64>(ic) ? each_end(ic, frame_of(ic, depth)) : each_next(ic, frame_of(ic, depth));
      case FRAME_RBTREE_ADD:
        return rbtree_next(ic, frame_of(ic, depth));
    }
  }
  store<u32>(ic, INTERP_EXITED, IC_STATUS);
  return 0;
}

/** bpf_loop: FR_A iterations in all, FR_B done, FR_C context, FR_D callback. */
export function loop_start(ic: usize, ret: usize, iterations: u32, callback: usize, context: u64): usize {
  const frame = push_frame(ic, ret, FRAME_LOOP);
  if (!frame) return 0;
  store<u64>(frame, <u64>iterations, FR_A);
  store<u64>(frame, 0, FR_B);
  store<u64>(frame, context, FR_C);
  store<u64>(frame, <u64>callback, FR_D);
  store<u64>(ic, 0, IC_R1);
  store<u64>(ic, context, IC_R2);
  return callback;
}

function loop_next(ic: usize, frame: usize): usize {
  const done = load<u64>(frame, FR_B) + 1;
  if (load<u64>(ic) || done >= load<u64>(frame, FR_A)) {
    store<u64>(ic, done);
    return pop_frame(ic);
  }
  store<u64>(frame, done, FR_B);
  store<u64>(ic, done, IC_R1);
  store<u64>(ic, load<u64>(frame, FR_C), IC_R2);
  return <usize>load<u64>(frame, FR_D);
}

/** bpf_for_each_map_elem: FR_A map, FR_B elements seen, FR_C context, FR_D callback, FR_E cursor of map_walk. */
export function each_start(ic: usize, ret: usize, map: usize, callback: usize, context: u64): usize {
  const frame = push_frame(ic, ret, FRAME_FOR_EACH);
  if (!frame) return 0;
  const cursor = stack_of(ic, load<u32>(ic, IC_DEPTH)) + STACK_SIZE;
  memory.fill(cursor, 0, MAP_CURSOR_SIZE);
  // An array's key lies in the cursor; callbacks may read it.
  kasan_unpoison_readonly(cursor + CURSOR_INDEX, 4);
  store<u64>(frame, <u64>map, FR_A);
  store<u64>(frame, 0, FR_B);
  store<u64>(frame, context, FR_C);
  store<u64>(frame, <u64>callback, FR_D);
  store<u64>(frame, <u64>cursor, FR_E);
  return each_next(ic, frame);
}

function each_next(ic: usize, frame: usize): usize {
  const map = <usize>load<u64>(frame, FR_A);
  const cursor = <usize>load<u64>(frame, FR_E);
  if (!map_walk(map, cursor)) return each_end(ic, frame);
  store<u64>(frame, load<u64>(frame, FR_B) + 1, FR_B);
  store<u64>(ic, KERNEL_BASE | <u64>map, IC_R1);
  store<u64>(ic, KERNEL_BASE | <u64>load<u32>(cursor, CURSOR_KEY), IC_R2);
  store<u64>(ic, KERNEL_BASE | <u64>load<u32>(cursor, CURSOR_VALUE), IC_R3);
  store<u64>(ic, load<u64>(frame, FR_C), IC_R4);
  return <usize>load<u64>(frame, FR_D);
}

function each_end(ic: usize, frame: usize): usize {
  store<u64>(ic, load<u64>(frame, FR_B));
  return pop_frame(ic);
}

/** bpf_rbtree_add: FR_A root, FR_B node, FR_C where the walk is, FR_D callback, FR_E non-zero while it went left only. */
export function rbtree_start(ic: usize, ret: usize, root: usize, node: usize, callback: usize): usize {
  const parent = rbtree_top(root);
  if (!parent) {
    rbtree_add_finish(root, node, 0, false, true);
    store<u64>(ic, 0);
    return ret;
  }
  const frame = push_frame(ic, ret, FRAME_RBTREE_ADD);
  if (!frame) return 0;
  store<u64>(frame, <u64>root, FR_A);
  store<u64>(frame, <u64>node, FR_B);
  store<u64>(frame, <u64>callback, FR_D);
  store<u64>(frame, 1, FR_E);
  return rbtree_compare(ic, frame, parent);
}

function rbtree_compare(ic: usize, frame: usize, parent: usize): usize {
  store<u64>(frame, <u64>parent, FR_C);
  store<u64>(ic, KERNEL_BASE | load<u64>(frame, FR_B), IC_R1);
  store<u64>(ic, KERNEL_BASE | <u64>parent, IC_R2);
  return <usize>load<u64>(frame, FR_D);
}

function rbtree_next(ic: usize, frame: usize): usize {
  const less = load<u64>(ic) != 0;
  const parent = <usize>load<u64>(frame, FR_C);
  if (!less) store<u64>(frame, 0, FR_E);
  const child = rbtree_child(parent, less);
  if (child) return rbtree_compare(ic, frame, child);
  const leftmost = load<u64>(frame, FR_E) != 0;
  rbtree_add_finish(<usize>load<u64>(frame, FR_A), <usize>load<u64>(frame, FR_B), parent, less, leftmost);
  store<u64>(ic, 0);
  return pop_frame(ic);
}

/** bpf_throw: drops every frame; runs the exception callback with the cookie, or ends the run with it as the result. */
export function unwind(ic: usize, callback: usize, cookie: u64): usize {
  while (load<u32>(ic, IC_DEPTH)) pop_frame(ic);
  if (!callback) {
    store<u64>(ic, cookie);
    return leave(ic);
  }
  if (!push_frame(ic, 0, FRAME_EXCEPTION)) return 0;
  store<u64>(ic, cookie, IC_R1);
  return callback;
}
