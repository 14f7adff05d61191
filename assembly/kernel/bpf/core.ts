// The interpreter's loop (kernel/bpf/core.c's, over linked instructions): a loop over one switch, written for what V8 makes of it.
// It calls nothing, since what lives across a call lies on the stack all the time: what needs a call is left to interp_run
// (interp.ts). Each case goes back to the top by itself, and the way from there to the next case is short enough for one cache
// line: with a jump more between, or a jump that lies in two lines, it takes twice as long.
import { div32, div64, mod32, mod64, sdiv32, sdiv64, smod32, smod64 } from './alu';
import { frame_of } from './frames';
import { KERNEL_BASE } from './mem';
import { SHADOW, SHADOW_CTX, SHADOW_FULL, SHADOW_READONLY } from '../../layout';
import {
  FR_MAY_GOTO,
  IC_DEPTH,
  IC_PC,
  II_DST,
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
  OP_ARSH64_REG, OP_BE16, OP_BE32, OP_BE64, OP_BSWAP16, OP_BSWAP32, OP_BSWAP64, OP_CMPXCHG32, OP_CMPXCHG64,
  OP_DIV32_IMM, OP_DIV32_REG, OP_DIV64_IMM, OP_DIV64_REG, OP_FETCH_ADD32, OP_FETCH_ADD64, OP_FETCH_AND32,
  OP_FETCH_AND64, OP_FETCH_OR32, OP_FETCH_OR64, OP_FETCH_XOR32, OP_FETCH_XOR64, OP_GOTOL, OP_JA, OP_JEQ32_IMM,
  OP_JEQ32_REG, OP_JEQ64_IMM, OP_JEQ64_REG, OP_JGE32_IMM, OP_JGE32_REG, OP_JGE64_IMM, OP_JGE64_REG, OP_JGT32_IMM,
  OP_JGT32_REG, OP_JGT64_IMM, OP_JGT64_REG, OP_JLE32_IMM, OP_JLE32_REG, OP_JLE64_IMM, OP_JLE64_REG, OP_JLT32_IMM,
  OP_JLT32_REG, OP_JLT64_IMM, OP_JLT64_REG, OP_JNE32_IMM, OP_JNE32_REG, OP_JNE64_IMM, OP_JNE64_REG, OP_JSET32_IMM,
  OP_JSET32_REG, OP_JSET64_IMM, OP_JSET64_REG, OP_JSGE32_IMM, OP_JSGE32_REG, OP_JSGE64_IMM, OP_JSGE64_REG,
  OP_JSGT32_IMM, OP_JSGT32_REG, OP_JSGT64_IMM, OP_JSGT64_REG, OP_JSLE32_IMM, OP_JSLE32_REG, OP_JSLE64_IMM,
  OP_JSLE64_REG, OP_JSLT32_IMM, OP_JSLT32_REG, OP_JSLT64_IMM, OP_JSLT64_REG, OP_LDSX16, OP_LDSX32, OP_LDSX8, OP_LDX16,
  OP_LDX32, OP_LDX64, OP_LDX8, OP_LD_IMM64, OP_LD_IMM64_BTF_ID, OP_LD_IMM64_FUNC, OP_LD_IMM64_MAP_FD,
  OP_LD_IMM64_MAP_IDX, OP_LD_IMM64_MAP_IDX_VALUE, OP_LD_IMM64_MAP_VALUE, OP_LE16, OP_LE32, OP_LE64, OP_LOAD_ACQUIRE16,
  OP_LOAD_ACQUIRE32, OP_LOAD_ACQUIRE64, OP_LOAD_ACQUIRE8, OP_LSH32_IMM, OP_LSH32_REG, OP_LSH64_IMM, OP_LSH64_REG,
  OP_MAY_GOTO, OP_MOD32_IMM, OP_MOD32_REG, OP_MOD64_IMM, OP_MOD64_REG, OP_MOV32_IMM, OP_MOV32_REG, OP_MOV64_IMM,
  OP_MOV64_REG, OP_MOVSX16_32, OP_MOVSX16_64, OP_MOVSX32_64, OP_MOVSX8_32, OP_MOVSX8_64, OP_MUL32_IMM, OP_MUL32_REG,
  OP_MUL64_IMM, OP_MUL64_REG, OP_NEG32, OP_NEG64, OP_OR32, OP_OR32_IMM, OP_OR32_REG, OP_OR64, OP_OR64_IMM,
  OP_OR64_REG, OP_RSH32_IMM, OP_RSH32_REG, OP_RSH64_IMM, OP_RSH64_REG, OP_SDIV32_IMM, OP_SDIV32_REG, OP_SDIV64_IMM,
  OP_SDIV64_REG, OP_SMOD32_IMM, OP_SMOD32_REG, OP_SMOD64_IMM, OP_SMOD64_REG, OP_ST16, OP_ST32, OP_ST64, OP_ST8,
  OP_STORE_RELEASE16, OP_STORE_RELEASE32, OP_STORE_RELEASE64, OP_STORE_RELEASE8, OP_STX16, OP_STX32, OP_STX64,
  OP_STX8, OP_SUB32_IMM, OP_SUB32_REG, OP_SUB64_IMM, OP_SUB64_REG, OP_XCHG32, OP_XCHG64, OP_XOR32, OP_XOR32_IMM,
  OP_XOR32_REG, OP_XOR64, OP_XOR64_IMM, OP_XOR64_REG,
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
function put(ic: usize, pc: usize, value: u64): usize {
  store<u64>(ic + <usize>load<u8>(pc, II_DST), value);
  return pc + INSN_STRIDE;
}

// @ts-ignore: decorator
@inline
function put_src(ic: usize, pc: usize, value: u64): usize {
  store<u64>(ic + <usize>load<u8>(pc, II_SRC), value);
  return pc + INSN_STRIDE;
}

// The address base + off of the instruction at `pc`, counted from the first kernel address.
// @ts-ignore: decorator
@inline
function place(base: u64, pc: usize): u64 {
  return base + <u64>(<i64>load<i32>(pc, II_OFF)) - KERNEL_BASE;
}

// Are `size` bytes at `off` within a granule whose shadow, but for these flags, says how many of it may be accessed? The difference
// is how many are behind them: below 8, unless the shadow is no number, or ends before they do.
// @ts-ignore: decorator
@inline
function plain(off: u64, size: u32, flags: u32): bool {
  return (<u32>load<u8>(<usize>SHADOW + (<usize>off >> 3)) & ~flags) - (<u32>off & 7) - size < <u32>SHADOW_FULL;
}

// @ts-ignore: decorator
@inline
function readable(off: u64, size: u32): bool {
  return plain(off, size, SHADOW_READONLY);
}

// @ts-ignore: decorator
@inline
function writable(off: u64, size: u32): bool {
  return plain(off, size, 0);
}

// To an atomic a field of the context is memory like any other, so that this passes every aligned one that is right. Eight bytes
// within a granule are aligned.
// @ts-ignore: decorator
@inline
function atomic_readable(off: u64, size: u32): bool {
  return plain(off, size, SHADOW_READONLY | SHADOW_CTX);
}

// @ts-ignore: decorator
@inline
function atomic_writable(off: u64, size: u32): bool {
  return plain(off, size, SHADOW_CTX);
}

// Leaves the loop before the instruction at `pc`; how many may still run.
// @ts-ignore: decorator
@inline
function leave_insn(ic: usize, pc: usize, end: usize): u32 {
  store<u32>(ic, <u32>pc, IC_PC);
  return <u32>(end - pc) >> INSN_SHIFT;
}

/**
 * Runs up to `left` (below 2^28) instructions, and no further than to one that needs more than the loop does; how many are left. The
 * next one is at IC_PC; memory ends at `limit`.
 */
export function run_insns(ic: usize, limit: u64, left: u32): u32 {
  let pc: usize = load<u32>(ic, IC_PC);
  // Where the budget ends when nothing jumps; only what does not go on with the next instruction has to count.
  let end = pc + <usize>(left << INSN_SHIFT);
  while (pc != end) {
    switch (<u32>load<u8>(pc, II_OP)) {
      case OP_ADD64_IMM: pc = put(ic, pc, dst(ic, pc) + imm(pc)); continue;
      case OP_ADD64_REG: pc = put(ic, pc, dst(ic, pc) + src(ic, pc)); continue;
      case OP_ADD32_IMM: pc = put(ic, pc, <u32>(dst32(ic, pc) + imm32(pc))); continue;
      case OP_ADD32_REG: pc = put(ic, pc, <u32>(dst32(ic, pc) + src32(ic, pc))); continue;
      case OP_SUB64_IMM: pc = put(ic, pc, dst(ic, pc) - imm(pc)); continue;
      case OP_SUB64_REG: pc = put(ic, pc, dst(ic, pc) - src(ic, pc)); continue;
      case OP_SUB32_IMM: pc = put(ic, pc, <u32>(dst32(ic, pc) - imm32(pc))); continue;
      case OP_SUB32_REG: pc = put(ic, pc, <u32>(dst32(ic, pc) - src32(ic, pc))); continue;
      case OP_MUL64_IMM: pc = put(ic, pc, dst(ic, pc) * imm(pc)); continue;
      case OP_MUL64_REG: pc = put(ic, pc, dst(ic, pc) * src(ic, pc)); continue;
      case OP_MUL32_IMM: pc = put(ic, pc, <u32>(dst32(ic, pc) * imm32(pc))); continue;
      case OP_MUL32_REG: pc = put(ic, pc, <u32>(dst32(ic, pc) * src32(ic, pc))); continue;
      case OP_OR64_IMM: pc = put(ic, pc, dst(ic, pc) | imm(pc)); continue;
      case OP_OR64_REG: pc = put(ic, pc, dst(ic, pc) | src(ic, pc)); continue;
      case OP_OR32_IMM: pc = put(ic, pc, <u32>(dst32(ic, pc) | imm32(pc))); continue;
      case OP_OR32_REG: pc = put(ic, pc, <u32>(dst32(ic, pc) | src32(ic, pc))); continue;
      case OP_AND64_IMM: pc = put(ic, pc, dst(ic, pc) & imm(pc)); continue;
      case OP_AND64_REG: pc = put(ic, pc, dst(ic, pc) & src(ic, pc)); continue;
      case OP_AND32_IMM: pc = put(ic, pc, <u32>(dst32(ic, pc) & imm32(pc))); continue;
      case OP_AND32_REG: pc = put(ic, pc, <u32>(dst32(ic, pc) & src32(ic, pc))); continue;
      case OP_XOR64_IMM: pc = put(ic, pc, dst(ic, pc) ^ imm(pc)); continue;
      case OP_XOR64_REG: pc = put(ic, pc, dst(ic, pc) ^ src(ic, pc)); continue;
      case OP_XOR32_IMM: pc = put(ic, pc, <u32>(dst32(ic, pc) ^ imm32(pc))); continue;
      case OP_XOR32_REG: pc = put(ic, pc, <u32>(dst32(ic, pc) ^ src32(ic, pc))); continue;
      case OP_MOV64_IMM: pc = put(ic, pc, imm(pc)); continue;
      case OP_MOV64_REG: pc = put(ic, pc, src(ic, pc)); continue;
      case OP_MOV32_IMM: pc = put(ic, pc, imm32(pc)); continue;
      case OP_MOV32_REG: pc = put(ic, pc, src32(ic, pc)); continue;
      case OP_LSH64_IMM: pc = put(ic, pc, dst(ic, pc) << (imm(pc) & 63)); continue;
      case OP_LSH64_REG: pc = put(ic, pc, dst(ic, pc) << (src(ic, pc) & 63)); continue;
      case OP_LSH32_IMM: pc = put(ic, pc, <u32>(dst32(ic, pc) << (imm32(pc) & 31))); continue;
      case OP_LSH32_REG: pc = put(ic, pc, <u32>(dst32(ic, pc) << (src32(ic, pc) & 31))); continue;
      case OP_RSH64_IMM: pc = put(ic, pc, dst(ic, pc) >> (imm(pc) & 63)); continue;
      case OP_RSH64_REG: pc = put(ic, pc, dst(ic, pc) >> (src(ic, pc) & 63)); continue;
      case OP_RSH32_IMM: pc = put(ic, pc, <u32>(dst32(ic, pc) >> (imm32(pc) & 31))); continue;
      case OP_RSH32_REG: pc = put(ic, pc, <u32>(dst32(ic, pc) >> (src32(ic, pc) & 31))); continue;
      case OP_ARSH64_IMM: pc = put(ic, pc, <i64>dst(ic, pc) >> (<i64>imm(pc) & 63)); continue;
      case OP_ARSH64_REG: pc = put(ic, pc, <i64>dst(ic, pc) >> (<i64>src(ic, pc) & 63)); continue;
      case OP_ARSH32_IMM: pc = put(ic, pc, <u32>(<i32>dst32(ic, pc) >> (<i32>imm32(pc) & 31))); continue;
      case OP_ARSH32_REG: pc = put(ic, pc, <u32>(<i32>dst32(ic, pc) >> (<i32>src32(ic, pc) & 31))); continue;
      case OP_DIV64_IMM: pc = put(ic, pc, div64(dst(ic, pc), imm(pc))); continue;
      case OP_DIV64_REG: pc = put(ic, pc, div64(dst(ic, pc), src(ic, pc))); continue;
      case OP_DIV32_IMM: pc = put(ic, pc, div32(dst32(ic, pc), imm32(pc))); continue;
      case OP_DIV32_REG: pc = put(ic, pc, div32(dst32(ic, pc), src32(ic, pc))); continue;
      case OP_MOD64_IMM: pc = put(ic, pc, mod64(dst(ic, pc), imm(pc))); continue;
      case OP_MOD64_REG: pc = put(ic, pc, mod64(dst(ic, pc), src(ic, pc))); continue;
      case OP_MOD32_IMM: pc = put(ic, pc, mod32(dst32(ic, pc), imm32(pc))); continue;
      case OP_MOD32_REG: pc = put(ic, pc, mod32(dst32(ic, pc), src32(ic, pc))); continue;
      case OP_SDIV64_IMM: pc = put(ic, pc, sdiv64(dst(ic, pc), imm(pc))); continue;
      case OP_SDIV64_REG: pc = put(ic, pc, sdiv64(dst(ic, pc), src(ic, pc))); continue;
      case OP_SDIV32_IMM: pc = put(ic, pc, sdiv32(dst32(ic, pc), imm32(pc))); continue;
      case OP_SDIV32_REG: pc = put(ic, pc, sdiv32(dst32(ic, pc), src32(ic, pc))); continue;
      case OP_SMOD64_IMM: pc = put(ic, pc, smod64(dst(ic, pc), imm(pc))); continue;
      case OP_SMOD64_REG: pc = put(ic, pc, smod64(dst(ic, pc), src(ic, pc))); continue;
      case OP_SMOD32_IMM: pc = put(ic, pc, smod32(dst32(ic, pc), imm32(pc))); continue;
      case OP_SMOD32_REG: pc = put(ic, pc, smod32(dst32(ic, pc), src32(ic, pc))); continue;
      case OP_NEG64: pc = put(ic, pc, 0 - dst(ic, pc)); continue;
      case OP_NEG32: pc = put(ic, pc, <u32>(0 - dst32(ic, pc))); continue;
      case OP_MOVSX8_32: pc = put(ic, pc, <u32><i32><i8>src32(ic, pc)); continue;
      case OP_MOVSX16_32: pc = put(ic, pc, <u32><i32><i16>src32(ic, pc)); continue;
      case OP_MOVSX8_64: pc = put(ic, pc, <i64><i8>src(ic, pc)); continue;
      case OP_MOVSX16_64: pc = put(ic, pc, <i64><i16>src(ic, pc)); continue;
      case OP_MOVSX32_64: pc = put(ic, pc, <i64><i32>src(ic, pc)); continue;
      case OP_LE16: pc = put(ic, pc, <u16>dst(ic, pc)); continue;
      case OP_LE32: pc = put(ic, pc, dst32(ic, pc)); continue;
      case OP_LE64: pc += INSN_STRIDE; continue;
      case OP_BE16: pc = put(ic, pc, bswap<u16>(<u16>dst(ic, pc))); continue;
      case OP_BE32: pc = put(ic, pc, bswap<u32>(dst32(ic, pc))); continue;
      case OP_BE64: pc = put(ic, pc, bswap<u64>(dst(ic, pc))); continue;
      case OP_BSWAP16: pc = put(ic, pc, bswap<u16>(<u16>dst(ic, pc))); continue;
      case OP_BSWAP32: pc = put(ic, pc, bswap<u32>(dst32(ic, pc))); continue;
      case OP_BSWAP64: pc = put(ic, pc, bswap<u64>(dst(ic, pc))); continue;
      case OP_LD_IMM64: case OP_LD_IMM64_MAP_FD: case OP_LD_IMM64_MAP_VALUE: case OP_LD_IMM64_BTF_ID:
      case OP_LD_IMM64_FUNC: case OP_LD_IMM64_MAP_IDX: case OP_LD_IMM64_MAP_IDX_VALUE:
        pc = put(ic, pc, imm(pc)) + INSN_STRIDE; end += INSN_STRIDE; continue;

      case OP_LDX8: { const off = place(src(ic, pc), pc); if (off < limit) if (readable(off, 1)) { pc = put(ic, pc, <i64>load<u8>(<usize>off)); continue; } return leave_insn(ic, pc, end); }
      case OP_LDX16: { const off = place(src(ic, pc), pc); if (off < limit) if (readable(off, 2)) { pc = put(ic, pc, <i64>load<u16>(<usize>off)); continue; } return leave_insn(ic, pc, end); }
      case OP_LDX32: { const off = place(src(ic, pc), pc); if (off < limit) if (readable(off, 4)) { pc = put(ic, pc, <i64>load<u32>(<usize>off)); continue; } return leave_insn(ic, pc, end); }
      case OP_LDX64: { const off = place(src(ic, pc), pc); if (off < limit) if (readable(off, 8)) { pc = put(ic, pc, <i64>load<u64>(<usize>off)); continue; } return leave_insn(ic, pc, end); }
      case OP_LDSX8: { const off = place(src(ic, pc), pc); if (off < limit) if (readable(off, 1)) { pc = put(ic, pc, <i64>load<i8>(<usize>off)); continue; } return leave_insn(ic, pc, end); }
      case OP_LDSX16: { const off = place(src(ic, pc), pc); if (off < limit) if (readable(off, 2)) { pc = put(ic, pc, <i64>load<i16>(<usize>off)); continue; } return leave_insn(ic, pc, end); }
      case OP_LDSX32: { const off = place(src(ic, pc), pc); if (off < limit) if (readable(off, 4)) { pc = put(ic, pc, <i64>load<i32>(<usize>off)); continue; } return leave_insn(ic, pc, end); }
      case OP_STX8: { const off = place(dst(ic, pc), pc); if (off < limit) if (writable(off, 1)) { store<u8>(<usize>off, <u8>src(ic, pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_STX16: { const off = place(dst(ic, pc), pc); if (off < limit) if (writable(off, 2)) { store<u16>(<usize>off, <u16>src(ic, pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_STX32: { const off = place(dst(ic, pc), pc); if (off < limit) if (writable(off, 4)) { store<u32>(<usize>off, <u32>src(ic, pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_STX64: { const off = place(dst(ic, pc), pc); if (off < limit) if (writable(off, 8)) { store<u64>(<usize>off, <u64>src(ic, pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_ST8: { const off = place(dst(ic, pc), pc); if (off < limit) if (writable(off, 1)) { store<u8>(<usize>off, <u8>imm(pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_ST16: { const off = place(dst(ic, pc), pc); if (off < limit) if (writable(off, 2)) { store<u16>(<usize>off, <u16>imm(pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_ST32: { const off = place(dst(ic, pc), pc); if (off < limit) if (writable(off, 4)) { store<u32>(<usize>off, <u32>imm(pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_ST64: { const off = place(dst(ic, pc), pc); if (off < limit) if (writable(off, 8)) { store<u64>(<usize>off, <u64>imm(pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }

      case OP_JA: case OP_GOTOL: break;
      case OP_JEQ64_IMM: if (dst(ic, pc) == imm(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JEQ64_REG: if (dst(ic, pc) == src(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JEQ32_IMM: if (dst32(ic, pc) == imm32(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JEQ32_REG: if (dst32(ic, pc) == src32(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JGT64_IMM: if (dst(ic, pc) > imm(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JGT64_REG: if (dst(ic, pc) > src(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JGT32_IMM: if (dst32(ic, pc) > imm32(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JGT32_REG: if (dst32(ic, pc) > src32(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JGE64_IMM: if (dst(ic, pc) >= imm(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JGE64_REG: if (dst(ic, pc) >= src(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JGE32_IMM: if (dst32(ic, pc) >= imm32(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JGE32_REG: if (dst32(ic, pc) >= src32(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JNE64_IMM: if (dst(ic, pc) != imm(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JNE64_REG: if (dst(ic, pc) != src(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JNE32_IMM: if (dst32(ic, pc) != imm32(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JNE32_REG: if (dst32(ic, pc) != src32(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JLT64_IMM: if (dst(ic, pc) < imm(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JLT64_REG: if (dst(ic, pc) < src(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JLT32_IMM: if (dst32(ic, pc) < imm32(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JLT32_REG: if (dst32(ic, pc) < src32(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JLE64_IMM: if (dst(ic, pc) <= imm(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JLE64_REG: if (dst(ic, pc) <= src(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JLE32_IMM: if (dst32(ic, pc) <= imm32(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JLE32_REG: if (dst32(ic, pc) <= src32(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSGT64_IMM: if (<i64>dst(ic, pc) > <i64>imm(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSGT64_REG: if (<i64>dst(ic, pc) > <i64>src(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSGT32_IMM: if (<i32>dst32(ic, pc) > <i32>imm32(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSGT32_REG: if (<i32>dst32(ic, pc) > <i32>src32(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSGE64_IMM: if (<i64>dst(ic, pc) >= <i64>imm(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSGE64_REG: if (<i64>dst(ic, pc) >= <i64>src(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSGE32_IMM: if (<i32>dst32(ic, pc) >= <i32>imm32(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSGE32_REG: if (<i32>dst32(ic, pc) >= <i32>src32(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSLT64_IMM: if (<i64>dst(ic, pc) < <i64>imm(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSLT64_REG: if (<i64>dst(ic, pc) < <i64>src(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSLT32_IMM: if (<i32>dst32(ic, pc) < <i32>imm32(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSLT32_REG: if (<i32>dst32(ic, pc) < <i32>src32(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSLE64_IMM: if (<i64>dst(ic, pc) <= <i64>imm(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSLE64_REG: if (<i64>dst(ic, pc) <= <i64>src(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSLE32_IMM: if (<i32>dst32(ic, pc) <= <i32>imm32(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSLE32_REG: if (<i32>dst32(ic, pc) <= <i32>src32(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSET64_IMM: if (dst(ic, pc) & imm(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSET64_REG: if (dst(ic, pc) & src(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSET32_IMM: if (dst32(ic, pc) & imm32(pc)) break; pc += INSN_STRIDE; continue;
      case OP_JSET32_REG: if (dst32(ic, pc) & src32(ic, pc)) break; pc += INSN_STRIDE; continue;
      case OP_MAY_GOTO: {
        const frame = frame_of(ic, load<u32>(ic, IC_DEPTH));
        const loops = load<u32>(frame, FR_MAY_GOTO);
        if (!loops) break;
        store<u32>(frame, loops - 1, FR_MAY_GOTO);
        pc += INSN_STRIDE;
        continue;
      }
      case OP_ADD64: { const off = place(dst(ic, pc), pc); if (off < limit) if (atomic_writable(off, 8)) { atomic.add<u64>(<usize>off, src(ic, pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_OR64: { const off = place(dst(ic, pc), pc); if (off < limit) if (atomic_writable(off, 8)) { atomic.or<u64>(<usize>off, src(ic, pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_AND64: { const off = place(dst(ic, pc), pc); if (off < limit) if (atomic_writable(off, 8)) { atomic.and<u64>(<usize>off, src(ic, pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_XOR64: { const off = place(dst(ic, pc), pc); if (off < limit) if (atomic_writable(off, 8)) { atomic.xor<u64>(<usize>off, src(ic, pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_FETCH_ADD64: { const off = place(dst(ic, pc), pc); if (off < limit) if (atomic_writable(off, 8)) { pc = put_src(ic, pc, atomic.add<u64>(<usize>off, src(ic, pc))); continue; } return leave_insn(ic, pc, end); }
      case OP_FETCH_OR64: { const off = place(dst(ic, pc), pc); if (off < limit) if (atomic_writable(off, 8)) { pc = put_src(ic, pc, atomic.or<u64>(<usize>off, src(ic, pc))); continue; } return leave_insn(ic, pc, end); }
      case OP_FETCH_AND64: { const off = place(dst(ic, pc), pc); if (off < limit) if (atomic_writable(off, 8)) { pc = put_src(ic, pc, atomic.and<u64>(<usize>off, src(ic, pc))); continue; } return leave_insn(ic, pc, end); }
      case OP_FETCH_XOR64: { const off = place(dst(ic, pc), pc); if (off < limit) if (atomic_writable(off, 8)) { pc = put_src(ic, pc, atomic.xor<u64>(<usize>off, src(ic, pc))); continue; } return leave_insn(ic, pc, end); }
      case OP_XCHG64: { const off = place(dst(ic, pc), pc); if (off < limit) if (atomic_writable(off, 8)) { pc = put_src(ic, pc, atomic.xchg<u64>(<usize>off, src(ic, pc))); continue; } return leave_insn(ic, pc, end); }
      case OP_CMPXCHG64: { const off = place(dst(ic, pc), pc); if (off < limit) if (atomic_writable(off, 8)) { store<u64>(ic, atomic.cmpxchg<u64>(<usize>off, load<u64>(ic), src(ic, pc))); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_ADD32: { const off = place(dst(ic, pc), pc); if (off < limit) if (!(<u32>off & 3)) if (atomic_writable(off, 4)) { atomic.add<u32>(<usize>off, src32(ic, pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_OR32: { const off = place(dst(ic, pc), pc); if (off < limit) if (!(<u32>off & 3)) if (atomic_writable(off, 4)) { atomic.or<u32>(<usize>off, src32(ic, pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_AND32: { const off = place(dst(ic, pc), pc); if (off < limit) if (!(<u32>off & 3)) if (atomic_writable(off, 4)) { atomic.and<u32>(<usize>off, src32(ic, pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_XOR32: { const off = place(dst(ic, pc), pc); if (off < limit) if (!(<u32>off & 3)) if (atomic_writable(off, 4)) { atomic.xor<u32>(<usize>off, src32(ic, pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_FETCH_ADD32: { const off = place(dst(ic, pc), pc); if (off < limit) if (!(<u32>off & 3)) if (atomic_writable(off, 4)) { pc = put_src(ic, pc, atomic.add<u32>(<usize>off, src32(ic, pc))); continue; } return leave_insn(ic, pc, end); }
      case OP_FETCH_OR32: { const off = place(dst(ic, pc), pc); if (off < limit) if (!(<u32>off & 3)) if (atomic_writable(off, 4)) { pc = put_src(ic, pc, atomic.or<u32>(<usize>off, src32(ic, pc))); continue; } return leave_insn(ic, pc, end); }
      case OP_FETCH_AND32: { const off = place(dst(ic, pc), pc); if (off < limit) if (!(<u32>off & 3)) if (atomic_writable(off, 4)) { pc = put_src(ic, pc, atomic.and<u32>(<usize>off, src32(ic, pc))); continue; } return leave_insn(ic, pc, end); }
      case OP_FETCH_XOR32: { const off = place(dst(ic, pc), pc); if (off < limit) if (!(<u32>off & 3)) if (atomic_writable(off, 4)) { pc = put_src(ic, pc, atomic.xor<u32>(<usize>off, src32(ic, pc))); continue; } return leave_insn(ic, pc, end); }
      case OP_XCHG32: { const off = place(dst(ic, pc), pc); if (off < limit) if (!(<u32>off & 3)) if (atomic_writable(off, 4)) { pc = put_src(ic, pc, atomic.xchg<u32>(<usize>off, src32(ic, pc))); continue; } return leave_insn(ic, pc, end); }
      case OP_CMPXCHG32: { const off = place(dst(ic, pc), pc); if (off < limit) if (!(<u32>off & 3)) if (atomic_writable(off, 4)) { store<u64>(ic, atomic.cmpxchg<u32>(<usize>off, load<u32>(ic), src32(ic, pc))); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_LOAD_ACQUIRE8: { const off = place(src(ic, pc), pc); if (off < limit) if (atomic_readable(off, 1)) { pc = put(ic, pc, atomic.load<u8>(<usize>off)); continue; } return leave_insn(ic, pc, end); }
      case OP_LOAD_ACQUIRE16: { const off = place(src(ic, pc), pc); if (off < limit) if (!(<u32>off & 1)) if (atomic_readable(off, 2)) { pc = put(ic, pc, atomic.load<u16>(<usize>off)); continue; } return leave_insn(ic, pc, end); }
      case OP_LOAD_ACQUIRE32: { const off = place(src(ic, pc), pc); if (off < limit) if (!(<u32>off & 3)) if (atomic_readable(off, 4)) { pc = put(ic, pc, atomic.load<u32>(<usize>off)); continue; } return leave_insn(ic, pc, end); }
      case OP_LOAD_ACQUIRE64: { const off = place(src(ic, pc), pc); if (off < limit) if (atomic_readable(off, 8)) { pc = put(ic, pc, atomic.load<u64>(<usize>off)); continue; } return leave_insn(ic, pc, end); }
      case OP_STORE_RELEASE8: { const off = place(dst(ic, pc), pc); if (off < limit) if (atomic_writable(off, 1)) { atomic.store<u8>(<usize>off, <u8>src(ic, pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_STORE_RELEASE16: { const off = place(dst(ic, pc), pc); if (off < limit) if (!(<u32>off & 1)) if (atomic_writable(off, 2)) { atomic.store<u16>(<usize>off, <u16>src(ic, pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_STORE_RELEASE32: { const off = place(dst(ic, pc), pc); if (off < limit) if (!(<u32>off & 3)) if (atomic_writable(off, 4)) { atomic.store<u32>(<usize>off, <u32>src(ic, pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      case OP_STORE_RELEASE64: { const off = place(dst(ic, pc), pc); if (off < limit) if (atomic_writable(off, 8)) { atomic.store<u64>(<usize>off, <u64>src(ic, pc)); pc += INSN_STRIDE; continue; } return leave_insn(ic, pc, end); }
      // Address spaces are one here: an arena pointer is its kernel address.
      case OP_ADDR_SPACE_CAST: pc = put(ic, pc, src(ic, pc)); continue;
      default: return leave_insn(ic, pc, end);
    }
    // A jump that is taken.
    const by = load<i32>(pc, II_OFF);
    pc += by;
    end += by - INSN_STRIDE;
  }
  return leave_insn(ic, pc, end);
}
