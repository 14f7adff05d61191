// The interpreter (kernel/bpf/core.c's, over linked instructions): a loop over one switch, with all its state in struct
// interp whenever it returns, so that a run can stop after any number of instructions and go on later.
import { KERNEL_BASE, LOADED, atomic_slow, check_args, fault, load_slow, packet_insn, store_slow } from './mem';
import { div32, div64, mod32, mod64, sdiv32, sdiv64, smod32, smod64 } from './alu';
import { call_helper, call_kfunc } from '../../generated/dispatch';
import { engine_call } from './call';
import { enter_prog, frame_of, leave, push_frame } from './frames';
import { this_cpu } from '../gs';
import { M_MEMORY_LIMIT, PC_SITE, SHADOW } from '../../layout';
import {
  BP_ID,
  BP_INSNS,
  FAULT_CALL,
  FAULT_OPCODE,
  FAULT_PAST_END,
  FR_MAY_GOTO,
  FRAME_CALL,
  IC_DEPTH,
  IC_INSNS,
  IC_PC,
  IC_PROG,
  IC_STATUS,
  II_CHECK_ARGS,
  II_DST,
  II_FLAGS,
  II_IMM,
  II_OFF,
  II_OP,
  II_SRC,
  INSN_SHIFT,
  INSN_STRIDE,
} from './prog_layout';
import {
  OP_ADD32, OP_ADD32_IMM, OP_ADD32_REG, OP_ADD64, OP_ADD64_IMM, OP_ADD64_REG, OP_ADDR_SPACE_CAST, OP_AND32,
  OP_AND32_IMM, OP_AND32_REG, OP_AND64, OP_AND64_IMM, OP_AND64_REG, OP_ARSH32_IMM, OP_ARSH32_REG, OP_ARSH64_IMM,
  OP_ARSH64_REG, OP_BE16, OP_BE32, OP_BE64, OP_BSWAP16, OP_BSWAP32, OP_BSWAP64, OP_CALL_ENGINE, OP_CALL_HELPER,
  OP_CALL_KFUNC, OP_CALL_LOCAL, OP_CALL_NOTHING, OP_CMPXCHG32, OP_CMPXCHG64, OP_DIV32_IMM, OP_DIV32_REG,
  OP_DIV64_IMM, OP_DIV64_REG, OP_EXIT, OP_FETCH_ADD32, OP_FETCH_ADD64, OP_FETCH_AND32, OP_FETCH_AND64, OP_FETCH_OR32,
  OP_FETCH_OR64, OP_FETCH_XOR32, OP_FETCH_XOR64, OP_GOTOL, OP_JA, OP_JEQ32_IMM, OP_JEQ32_REG, OP_JEQ64_IMM,
  OP_JEQ64_REG, OP_JGE32_IMM, OP_JGE32_REG, OP_JGE64_IMM, OP_JGE64_REG, OP_JGT32_IMM, OP_JGT32_REG, OP_JGT64_IMM,
  OP_JGT64_REG, OP_JLE32_IMM, OP_JLE32_REG, OP_JLE64_IMM, OP_JLE64_REG, OP_JLT32_IMM, OP_JLT32_REG, OP_JLT64_IMM,
  OP_JLT64_REG, OP_JNE32_IMM, OP_JNE32_REG, OP_JNE64_IMM, OP_JNE64_REG, OP_JSET32_IMM, OP_JSET32_REG, OP_JSET64_IMM,
  OP_JSET64_REG, OP_JSGE32_IMM, OP_JSGE32_REG, OP_JSGE64_IMM, OP_JSGE64_REG, OP_JSGT32_IMM, OP_JSGT32_REG,
  OP_JSGT64_IMM, OP_JSGT64_REG, OP_JSLE32_IMM, OP_JSLE32_REG, OP_JSLE64_IMM, OP_JSLE64_REG, OP_JSLT32_IMM,
  OP_JSLT32_REG, OP_JSLT64_IMM, OP_JSLT64_REG, OP_LDSX16, OP_LDSX32, OP_LDSX8, OP_LDX16, OP_LDX32, OP_LDX64, OP_LDX8,
  OP_LD_ABS16, OP_LD_ABS32, OP_LD_ABS8, OP_LD_IMM64, OP_LD_IMM64_BTF_ID, OP_LD_IMM64_FUNC, OP_LD_IMM64_MAP_FD,
  OP_LD_IMM64_MAP_IDX, OP_LD_IMM64_MAP_IDX_VALUE, OP_LD_IMM64_MAP_VALUE, OP_LD_IND16, OP_LD_IND32, OP_LD_IND8,
  OP_LE16, OP_LE32, OP_LE64, OP_LOAD_ACQUIRE16, OP_LOAD_ACQUIRE32, OP_LOAD_ACQUIRE64, OP_LOAD_ACQUIRE8, OP_LSH32_IMM,
  OP_LSH32_REG, OP_LSH64_IMM, OP_LSH64_REG, OP_MAY_GOTO, OP_MOD32_IMM, OP_MOD32_REG, OP_MOD64_IMM, OP_MOD64_REG,
  OP_MOV32_IMM, OP_MOV32_REG, OP_MOV64_IMM, OP_MOV64_REG, OP_MOVSX16_32, OP_MOVSX16_64, OP_MOVSX32_64, OP_MOVSX8_32,
  OP_MOVSX8_64, OP_MUL32_IMM, OP_MUL32_REG, OP_MUL64_IMM, OP_MUL64_REG, OP_NEG32, OP_NEG64, OP_OR32, OP_OR32_IMM,
  OP_OR32_REG, OP_OR64, OP_OR64_IMM, OP_OR64_REG, OP_PAST_END, OP_RSH32_IMM, OP_RSH32_REG, OP_RSH64_IMM,
  OP_RSH64_REG, OP_SDIV32_IMM, OP_SDIV32_REG, OP_SDIV64_IMM, OP_SDIV64_REG, OP_SMOD32_IMM, OP_SMOD32_REG,
  OP_SMOD64_IMM, OP_SMOD64_REG, OP_ST16, OP_ST32, OP_ST64, OP_ST8, OP_STORE_RELEASE16, OP_STORE_RELEASE32,
  OP_STORE_RELEASE64, OP_STORE_RELEASE8, OP_STX16, OP_STX32, OP_STX64, OP_STX8, OP_SUB32_IMM, OP_SUB32_REG,
  OP_SUB64_IMM, OP_SUB64_REG, OP_XCHG32, OP_XCHG64, OP_XOR32, OP_XOR32_IMM, OP_XOR32_REG, OP_XOR64, OP_XOR64_IMM,
  OP_XOR64_REG,
} from '../../generated/ops';

// @ts-ignore: decorator
@inline
function dst(ic: usize, pc: usize): u64 {
  return load<u64>(ic + <usize>load<u8>(pc, II_DST));
}

// @ts-ignore: decorator
@inline
function src(ic: usize, pc: usize): u64 {
  return load<u64>(ic + <usize>load<u8>(pc, II_SRC));
}

// @ts-ignore: decorator
@inline
function imm(pc: usize): u64 {
  return load<u64>(pc, II_IMM);
}

// @ts-ignore: decorator
@inline
function dst32(ic: usize, pc: usize): u32 {
  return load<u32>(ic + <usize>load<u8>(pc, II_DST));
}

// @ts-ignore: decorator
@inline
function src32(ic: usize, pc: usize): u32 {
  return load<u32>(ic + <usize>load<u8>(pc, II_SRC));
}

// @ts-ignore: decorator
@inline
function imm32(pc: usize): u32 {
  return load<u32>(pc, II_IMM);
}

// @ts-ignore: decorator
@inline
function put(ic: usize, pc: usize, value: u64): void {
  store<u64>(ic + <usize>load<u8>(pc, II_DST), value);
}

// @ts-ignore: decorator
@inline
function put_src(ic: usize, pc: usize, value: u64): void {
  store<u64>(ic + <usize>load<u8>(pc, II_SRC), value);
}

// Within one granule of plain memory? `off` counts from the first kernel address.
// @ts-ignore: decorator
@inline
function plain(off: u64, size: u64, limit: u64): bool {
  if (off >= limit) return false;
  const shadow = <u64>load<u8>(<usize>SHADOW + (<usize>off >> 3));
  return shadow <= 8 && (off & 7) + size <= shadow;
}

// dst = *(T *)(src + off); false after a fault.
// @ts-ignore: decorator
@inline
function ldx<T>(ic: usize, pc: usize, limit: u64): bool {
  const off = src(ic, pc) + <u64>(<i64>load<i32>(pc, II_OFF)) - KERNEL_BASE;
  let p = <usize>off;
  if (!plain(off, sizeof<T>(), limit)) {
    p = load_slow(ic, pc, off + KERNEL_BASE, sizeof<T>());
    if (p <= LOADED) return p == LOADED;
  }
  put(ic, pc, <u64>(<i64>load<T>(p)));
  return true;
}

// *(T *)(dst + off) = value; false after a fault.
// @ts-ignore: decorator
@inline
function stx<T>(ic: usize, pc: usize, limit: u64, value: u64): bool {
  const off = dst(ic, pc) + <u64>(<i64>load<i32>(pc, II_OFF)) - KERNEL_BASE;
  let p = <usize>off;
  if (!plain(off, sizeof<T>(), limit)) {
    p = store_slow(ic, off + KERNEL_BASE, sizeof<T>());
    if (!p) return false;
  }
  store<T>(p, <T>value);
  return true;
}

// Where an atomic on a T at `address` + off works; 0 after a fault. Aligned, it lies within one granule.
// @ts-ignore: decorator
@inline
function atomic_place<T>(ic: usize, pc: usize, limit: u64, address: u64, write: bool): usize {
  const off = address + <u64>(<i64>load<i32>(pc, II_OFF)) - KERNEL_BASE;
  if (!(off & (sizeof<T>() - 1)) && plain(off, sizeof<T>(), limit)) return <usize>off;
  return atomic_slow(ic, off + KERNEL_BASE, sizeof<T>(), write);
}

// What an interrupted run goes on from, and its status.
function stop(ic: usize, pc: usize, executed: u32): u32 {
  store<u32>(this_cpu(), 0, PC_SITE);
  store<u32>(ic, <u32>pc, IC_PC);
  store<u64>(ic, load<u64>(ic, IC_INSNS) + <u64>executed, IC_INSNS);
  return load<u32>(ic, IC_STATUS);
}

// Notes which instruction calls, for objects and warnings.
// @ts-ignore: decorator
@inline
function note_site(ic: usize, pc: usize): void {
  const prog: usize = load<u32>(ic, IC_PROG);
  const index = <u32>(pc - <usize>load<u32>(prog, BP_INSNS)) >> INSN_SHIFT;
  store<u32>(this_cpu(), (load<u32>(prog, BP_ID) << 20) | index, PC_SITE);
}

/**
 * Runs up to `budget` instructions of what interp_start prepared, on the current CPU. Returns INTERP_RUNNING when the budget
 * is used up; call again to go on.
 */
export function interp_run(ic: usize, budget: u32): u32 {
  const limit: u64 = load<u32>(M_MEMORY_LIMIT);
  let pc: usize = load<u32>(ic, IC_PC);
  enter_prog(load<u32>(ic, IC_PROG));
  let left = budget;
  while (left) {
    left--;
    switch (<u32>load<u8>(pc, II_OP)) {
      case OP_ADD64_IMM: put(ic, pc, dst(ic, pc) + imm(pc)); break;
      case OP_ADD64_REG: put(ic, pc, dst(ic, pc) + src(ic, pc)); break;
      case OP_ADD32_IMM: put(ic, pc, <u32>(dst32(ic, pc) + imm32(pc))); break;
      case OP_ADD32_REG: put(ic, pc, <u32>(dst32(ic, pc) + src32(ic, pc))); break;
      case OP_SUB64_IMM: put(ic, pc, dst(ic, pc) - imm(pc)); break;
      case OP_SUB64_REG: put(ic, pc, dst(ic, pc) - src(ic, pc)); break;
      case OP_SUB32_IMM: put(ic, pc, <u32>(dst32(ic, pc) - imm32(pc))); break;
      case OP_SUB32_REG: put(ic, pc, <u32>(dst32(ic, pc) - src32(ic, pc))); break;
      case OP_MUL64_IMM: put(ic, pc, dst(ic, pc) * imm(pc)); break;
      case OP_MUL64_REG: put(ic, pc, dst(ic, pc) * src(ic, pc)); break;
      case OP_MUL32_IMM: put(ic, pc, <u32>(dst32(ic, pc) * imm32(pc))); break;
      case OP_MUL32_REG: put(ic, pc, <u32>(dst32(ic, pc) * src32(ic, pc))); break;
      case OP_OR64_IMM: put(ic, pc, dst(ic, pc) | imm(pc)); break;
      case OP_OR64_REG: put(ic, pc, dst(ic, pc) | src(ic, pc)); break;
      case OP_OR32_IMM: put(ic, pc, <u32>(dst32(ic, pc) | imm32(pc))); break;
      case OP_OR32_REG: put(ic, pc, <u32>(dst32(ic, pc) | src32(ic, pc))); break;
      case OP_AND64_IMM: put(ic, pc, dst(ic, pc) & imm(pc)); break;
      case OP_AND64_REG: put(ic, pc, dst(ic, pc) & src(ic, pc)); break;
      case OP_AND32_IMM: put(ic, pc, <u32>(dst32(ic, pc) & imm32(pc))); break;
      case OP_AND32_REG: put(ic, pc, <u32>(dst32(ic, pc) & src32(ic, pc))); break;
      case OP_XOR64_IMM: put(ic, pc, dst(ic, pc) ^ imm(pc)); break;
      case OP_XOR64_REG: put(ic, pc, dst(ic, pc) ^ src(ic, pc)); break;
      case OP_XOR32_IMM: put(ic, pc, <u32>(dst32(ic, pc) ^ imm32(pc))); break;
      case OP_XOR32_REG: put(ic, pc, <u32>(dst32(ic, pc) ^ src32(ic, pc))); break;
      case OP_MOV64_IMM: put(ic, pc, imm(pc)); break;
      case OP_MOV64_REG: put(ic, pc, src(ic, pc)); break;
      case OP_MOV32_IMM: put(ic, pc, imm32(pc)); break;
      case OP_MOV32_REG: put(ic, pc, src32(ic, pc)); break;
      case OP_LSH64_IMM: put(ic, pc, dst(ic, pc) << (imm(pc) & 63)); break;
      case OP_LSH64_REG: put(ic, pc, dst(ic, pc) << (src(ic, pc) & 63)); break;
      case OP_LSH32_IMM: put(ic, pc, <u32>(dst32(ic, pc) << (imm32(pc) & 31))); break;
      case OP_LSH32_REG: put(ic, pc, <u32>(dst32(ic, pc) << (src32(ic, pc) & 31))); break;
      case OP_RSH64_IMM: put(ic, pc, dst(ic, pc) >> (imm(pc) & 63)); break;
      case OP_RSH64_REG: put(ic, pc, dst(ic, pc) >> (src(ic, pc) & 63)); break;
      case OP_RSH32_IMM: put(ic, pc, <u32>(dst32(ic, pc) >> (imm32(pc) & 31))); break;
      case OP_RSH32_REG: put(ic, pc, <u32>(dst32(ic, pc) >> (src32(ic, pc) & 31))); break;
      case OP_ARSH64_IMM: put(ic, pc, <i64>dst(ic, pc) >> (<i64>imm(pc) & 63)); break;
      case OP_ARSH64_REG: put(ic, pc, <i64>dst(ic, pc) >> (<i64>src(ic, pc) & 63)); break;
      case OP_ARSH32_IMM: put(ic, pc, <u32>(<i32>dst32(ic, pc) >> (<i32>imm32(pc) & 31))); break;
      case OP_ARSH32_REG: put(ic, pc, <u32>(<i32>dst32(ic, pc) >> (<i32>src32(ic, pc) & 31))); break;
      case OP_DIV64_IMM: put(ic, pc, div64(dst(ic, pc), imm(pc))); break;
      case OP_DIV64_REG: put(ic, pc, div64(dst(ic, pc), src(ic, pc))); break;
      case OP_DIV32_IMM: put(ic, pc, div32(dst32(ic, pc), imm32(pc))); break;
      case OP_DIV32_REG: put(ic, pc, div32(dst32(ic, pc), src32(ic, pc))); break;
      case OP_MOD64_IMM: put(ic, pc, mod64(dst(ic, pc), imm(pc))); break;
      case OP_MOD64_REG: put(ic, pc, mod64(dst(ic, pc), src(ic, pc))); break;
      case OP_MOD32_IMM: put(ic, pc, mod32(dst32(ic, pc), imm32(pc))); break;
      case OP_MOD32_REG: put(ic, pc, mod32(dst32(ic, pc), src32(ic, pc))); break;
      case OP_SDIV64_IMM: put(ic, pc, sdiv64(dst(ic, pc), imm(pc))); break;
      case OP_SDIV64_REG: put(ic, pc, sdiv64(dst(ic, pc), src(ic, pc))); break;
      case OP_SDIV32_IMM: put(ic, pc, sdiv32(dst32(ic, pc), imm32(pc))); break;
      case OP_SDIV32_REG: put(ic, pc, sdiv32(dst32(ic, pc), src32(ic, pc))); break;
      case OP_SMOD64_IMM: put(ic, pc, smod64(dst(ic, pc), imm(pc))); break;
      case OP_SMOD64_REG: put(ic, pc, smod64(dst(ic, pc), src(ic, pc))); break;
      case OP_SMOD32_IMM: put(ic, pc, smod32(dst32(ic, pc), imm32(pc))); break;
      case OP_SMOD32_REG: put(ic, pc, smod32(dst32(ic, pc), src32(ic, pc))); break;
      case OP_NEG64: put(ic, pc, 0 - dst(ic, pc)); break;
      case OP_NEG32: put(ic, pc, <u32>(0 - dst32(ic, pc))); break;
      case OP_MOVSX8_32: put(ic, pc, <u32><i32><i8>src32(ic, pc)); break;
      case OP_MOVSX16_32: put(ic, pc, <u32><i32><i16>src32(ic, pc)); break;
      case OP_MOVSX8_64: put(ic, pc, <i64><i8>src(ic, pc)); break;
      case OP_MOVSX16_64: put(ic, pc, <i64><i16>src(ic, pc)); break;
      case OP_MOVSX32_64: put(ic, pc, <i64><i32>src(ic, pc)); break;
      case OP_LE16: put(ic, pc, <u16>dst(ic, pc)); break;
      case OP_LE32: put(ic, pc, dst32(ic, pc)); break;
      case OP_LE64: break;
      case OP_BE16: put(ic, pc, bswap<u16>(<u16>dst(ic, pc))); break;
      case OP_BE32: put(ic, pc, bswap<u32>(dst32(ic, pc))); break;
      case OP_BE64: put(ic, pc, bswap<u64>(dst(ic, pc))); break;
      case OP_BSWAP16: put(ic, pc, bswap<u16>(<u16>dst(ic, pc))); break;
      case OP_BSWAP32: put(ic, pc, bswap<u32>(dst32(ic, pc))); break;
      case OP_BSWAP64: put(ic, pc, bswap<u64>(dst(ic, pc))); break;
      case OP_LD_IMM64: case OP_LD_IMM64_MAP_FD: case OP_LD_IMM64_MAP_VALUE: case OP_LD_IMM64_BTF_ID:
      case OP_LD_IMM64_FUNC: case OP_LD_IMM64_MAP_IDX: case OP_LD_IMM64_MAP_IDX_VALUE:
        put(ic, pc, imm(pc)); pc += 2 * INSN_STRIDE; continue;

      case OP_LDX8: if (!ldx<u8>(ic, pc, limit)) return stop(ic, pc, budget - left); break;
      case OP_LDX16: if (!ldx<u16>(ic, pc, limit)) return stop(ic, pc, budget - left); break;
      case OP_LDX32: if (!ldx<u32>(ic, pc, limit)) return stop(ic, pc, budget - left); break;
      case OP_LDX64: if (!ldx<u64>(ic, pc, limit)) return stop(ic, pc, budget - left); break;
      case OP_LDSX8: if (!ldx<i8>(ic, pc, limit)) return stop(ic, pc, budget - left); break;
      case OP_LDSX16: if (!ldx<i16>(ic, pc, limit)) return stop(ic, pc, budget - left); break;
      case OP_LDSX32: if (!ldx<i32>(ic, pc, limit)) return stop(ic, pc, budget - left); break;
      case OP_STX8: if (!stx<u8>(ic, pc, limit, src(ic, pc))) return stop(ic, pc, budget - left); break;
      case OP_STX16: if (!stx<u16>(ic, pc, limit, src(ic, pc))) return stop(ic, pc, budget - left); break;
      case OP_STX32: if (!stx<u32>(ic, pc, limit, src(ic, pc))) return stop(ic, pc, budget - left); break;
      case OP_STX64: if (!stx<u64>(ic, pc, limit, src(ic, pc))) return stop(ic, pc, budget - left); break;
      case OP_ST8: if (!stx<u8>(ic, pc, limit, imm(pc))) return stop(ic, pc, budget - left); break;
      case OP_ST16: if (!stx<u16>(ic, pc, limit, imm(pc))) return stop(ic, pc, budget - left); break;
      case OP_ST32: if (!stx<u32>(ic, pc, limit, imm(pc))) return stop(ic, pc, budget - left); break;
      case OP_ST64: if (!stx<u64>(ic, pc, limit, imm(pc))) return stop(ic, pc, budget - left); break;

      case OP_JA: case OP_GOTOL: pc += load<i32>(pc, II_OFF); continue;
      case OP_JEQ64_IMM: if (dst(ic, pc) == imm(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JEQ64_REG: if (dst(ic, pc) == src(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JEQ32_IMM: if (dst32(ic, pc) == imm32(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JEQ32_REG: if (dst32(ic, pc) == src32(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JGT64_IMM: if (dst(ic, pc) > imm(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JGT64_REG: if (dst(ic, pc) > src(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JGT32_IMM: if (dst32(ic, pc) > imm32(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JGT32_REG: if (dst32(ic, pc) > src32(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JGE64_IMM: if (dst(ic, pc) >= imm(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JGE64_REG: if (dst(ic, pc) >= src(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JGE32_IMM: if (dst32(ic, pc) >= imm32(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JGE32_REG: if (dst32(ic, pc) >= src32(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JNE64_IMM: if (dst(ic, pc) != imm(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JNE64_REG: if (dst(ic, pc) != src(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JNE32_IMM: if (dst32(ic, pc) != imm32(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JNE32_REG: if (dst32(ic, pc) != src32(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JLT64_IMM: if (dst(ic, pc) < imm(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JLT64_REG: if (dst(ic, pc) < src(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JLT32_IMM: if (dst32(ic, pc) < imm32(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JLT32_REG: if (dst32(ic, pc) < src32(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JLE64_IMM: if (dst(ic, pc) <= imm(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JLE64_REG: if (dst(ic, pc) <= src(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JLE32_IMM: if (dst32(ic, pc) <= imm32(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JLE32_REG: if (dst32(ic, pc) <= src32(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSGT64_IMM: if (<i64>dst(ic, pc) > <i64>imm(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSGT64_REG: if (<i64>dst(ic, pc) > <i64>src(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSGT32_IMM: if (<i32>dst32(ic, pc) > <i32>imm32(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSGT32_REG: if (<i32>dst32(ic, pc) > <i32>src32(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSGE64_IMM: if (<i64>dst(ic, pc) >= <i64>imm(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSGE64_REG: if (<i64>dst(ic, pc) >= <i64>src(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSGE32_IMM: if (<i32>dst32(ic, pc) >= <i32>imm32(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSGE32_REG: if (<i32>dst32(ic, pc) >= <i32>src32(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSLT64_IMM: if (<i64>dst(ic, pc) < <i64>imm(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSLT64_REG: if (<i64>dst(ic, pc) < <i64>src(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSLT32_IMM: if (<i32>dst32(ic, pc) < <i32>imm32(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSLT32_REG: if (<i32>dst32(ic, pc) < <i32>src32(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSLE64_IMM: if (<i64>dst(ic, pc) <= <i64>imm(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSLE64_REG: if (<i64>dst(ic, pc) <= <i64>src(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSLE32_IMM: if (<i32>dst32(ic, pc) <= <i32>imm32(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSLE32_REG: if (<i32>dst32(ic, pc) <= <i32>src32(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSET64_IMM: if (dst(ic, pc) & imm(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSET64_REG: if (dst(ic, pc) & src(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSET32_IMM: if (dst32(ic, pc) & imm32(pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_JSET32_REG: if (dst32(ic, pc) & src32(ic, pc)) { pc += load<i32>(pc, II_OFF); continue; } break;
      case OP_MAY_GOTO: {
        const frame = frame_of(ic, load<u32>(ic, IC_DEPTH));
        const loops = load<u32>(frame, FR_MAY_GOTO);
        if (!loops) {
          pc += load<i32>(pc, II_OFF);
          continue;
        }
        store<u32>(frame, loops - 1, FR_MAY_GOTO);
        break;
      }
      case OP_CALL_LOCAL: {
        if (!push_frame(ic, pc + INSN_STRIDE, FRAME_CALL)) return stop(ic, pc, budget - left);
        pc += load<i32>(pc, II_OFF);
        continue;
      }
      case OP_EXIT: {
        const next = leave(ic);
        if (!next) return stop(ic, pc, budget - left);
        pc = next;
        continue;
      }
      case OP_CALL_KFUNC: {
        note_site(ic, pc);
        store<u32>(ic, <u32>pc, IC_PC);
        if (load<u8>(pc, II_FLAGS) & II_CHECK_ARGS && !check_args(ic, load<u32>(pc, II_OFF))) return stop(ic, pc, budget - left);
        if (!call_kfunc(imm32(pc), ic)) {
          fault(ic, FAULT_CALL);
          return stop(ic, pc, budget - left);
        }
        break;
      }
      case OP_CALL_HELPER: {
        note_site(ic, pc);
        store<u32>(ic, <u32>pc, IC_PC);
        if (load<u8>(pc, II_FLAGS) & II_CHECK_ARGS && !check_args(ic, load<u32>(pc, II_OFF))) return stop(ic, pc, budget - left);
        if (!call_helper(imm32(pc), ic)) {
          fault(ic, FAULT_CALL);
          return stop(ic, pc, budget - left);
        }
        break;
      }
      case OP_CALL_ENGINE: {
        note_site(ic, pc);
        if (load<u8>(pc, II_FLAGS) & II_CHECK_ARGS && !check_args(ic, load<u32>(pc, II_OFF))) return stop(ic, pc, budget - left);
        const next = engine_call(ic, pc);
        if (!next) return stop(ic, pc, budget - left);
        pc = next;
        continue;
      }
      case OP_CALL_NOTHING:
        fault(ic, FAULT_CALL);
        return stop(ic, pc, budget - left);
      case OP_ADD64: { const p = atomic_place<u64>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); atomic.add<u64>(p, src(ic, pc)); break; }
      case OP_OR64: { const p = atomic_place<u64>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); atomic.or<u64>(p, src(ic, pc)); break; }
      case OP_AND64: { const p = atomic_place<u64>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); atomic.and<u64>(p, src(ic, pc)); break; }
      case OP_XOR64: { const p = atomic_place<u64>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); atomic.xor<u64>(p, src(ic, pc)); break; }
      case OP_FETCH_ADD64: { const p = atomic_place<u64>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); put_src(ic, pc, atomic.add<u64>(p, src(ic, pc))); break; }
      case OP_FETCH_OR64: { const p = atomic_place<u64>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); put_src(ic, pc, atomic.or<u64>(p, src(ic, pc))); break; }
      case OP_FETCH_AND64: { const p = atomic_place<u64>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); put_src(ic, pc, atomic.and<u64>(p, src(ic, pc))); break; }
      case OP_FETCH_XOR64: { const p = atomic_place<u64>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); put_src(ic, pc, atomic.xor<u64>(p, src(ic, pc))); break; }
      case OP_XCHG64: { const p = atomic_place<u64>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); put_src(ic, pc, atomic.xchg<u64>(p, src(ic, pc))); break; }
      case OP_CMPXCHG64: { const p = atomic_place<u64>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); store<u64>(ic, atomic.cmpxchg<u64>(p, load<u64>(ic), src(ic, pc))); break; }
      case OP_ADD32: { const p = atomic_place<u32>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); atomic.add<u32>(p, src32(ic, pc)); break; }
      case OP_OR32: { const p = atomic_place<u32>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); atomic.or<u32>(p, src32(ic, pc)); break; }
      case OP_AND32: { const p = atomic_place<u32>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); atomic.and<u32>(p, src32(ic, pc)); break; }
      case OP_XOR32: { const p = atomic_place<u32>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); atomic.xor<u32>(p, src32(ic, pc)); break; }
      case OP_FETCH_ADD32: { const p = atomic_place<u32>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); put_src(ic, pc, atomic.add<u32>(p, src32(ic, pc))); break; }
      case OP_FETCH_OR32: { const p = atomic_place<u32>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); put_src(ic, pc, atomic.or<u32>(p, src32(ic, pc))); break; }
      case OP_FETCH_AND32: { const p = atomic_place<u32>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); put_src(ic, pc, atomic.and<u32>(p, src32(ic, pc))); break; }
      case OP_FETCH_XOR32: { const p = atomic_place<u32>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); put_src(ic, pc, atomic.xor<u32>(p, src32(ic, pc))); break; }
      case OP_XCHG32: { const p = atomic_place<u32>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); put_src(ic, pc, atomic.xchg<u32>(p, src32(ic, pc))); break; }
      case OP_CMPXCHG32: { const p = atomic_place<u32>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); store<u64>(ic, atomic.cmpxchg<u32>(p, load<u32>(ic), src32(ic, pc))); break; }
      case OP_LOAD_ACQUIRE8: { const p = atomic_place<u8>(ic, pc, limit, src(ic, pc), false); if (!p) return stop(ic, pc, budget - left); put(ic, pc, atomic.load<u8>(p)); break; }
      case OP_LOAD_ACQUIRE16: { const p = atomic_place<u16>(ic, pc, limit, src(ic, pc), false); if (!p) return stop(ic, pc, budget - left); put(ic, pc, atomic.load<u16>(p)); break; }
      case OP_LOAD_ACQUIRE32: { const p = atomic_place<u32>(ic, pc, limit, src(ic, pc), false); if (!p) return stop(ic, pc, budget - left); put(ic, pc, atomic.load<u32>(p)); break; }
      case OP_LOAD_ACQUIRE64: { const p = atomic_place<u64>(ic, pc, limit, src(ic, pc), false); if (!p) return stop(ic, pc, budget - left); put(ic, pc, atomic.load<u64>(p)); break; }
      case OP_STORE_RELEASE8: { const p = atomic_place<u8>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); atomic.store<u8>(p, <u8>src(ic, pc)); break; }
      case OP_STORE_RELEASE16: { const p = atomic_place<u16>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); atomic.store<u16>(p, <u16>src(ic, pc)); break; }
      case OP_STORE_RELEASE32: { const p = atomic_place<u32>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); atomic.store<u32>(p, <u32>src(ic, pc)); break; }
      case OP_STORE_RELEASE64: { const p = atomic_place<u64>(ic, pc, limit, dst(ic, pc), true); if (!p) return stop(ic, pc, budget - left); atomic.store<u64>(p, <u64>src(ic, pc)); break; }
      case OP_LD_ABS8: case OP_LD_ABS16: case OP_LD_ABS32: case OP_LD_IND8: case OP_LD_IND16: case OP_LD_IND32: {
        if (packet_insn(ic, pc)) break;
        const next: usize = load<u32>(ic, IC_STATUS) ? 0 : leave(ic);
        if (!next) return stop(ic, pc, budget - left);
        pc = next;
        continue;
      }
      // Address spaces are one here: an arena pointer is its kernel address.
      case OP_ADDR_SPACE_CAST: put(ic, pc, src(ic, pc)); break;
      case OP_PAST_END:
        fault(ic, FAULT_PAST_END);
        return stop(ic, pc, budget - left);
      default:
        fault(ic, FAULT_OPCODE);
        return stop(ic, pc, budget - left);
    }
    pc += INSN_STRIDE;
  }
  return stop(ic, pc, budget);
}
