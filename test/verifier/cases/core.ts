import type { VerifierCase } from '../case.ts';

const key = '*(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4';
const lookup = `r1 = map(m); ${key}; call bpf_map_lookup_elem`;
const tail = 'out: r0 = 0; exit';
const m = { m: { type: 'hash', value: 16 } } as const;
const task = { type: 'tracing', attach: 'trace_raw_tp', to: 'btf_trace_task_newtask' } as const;
const tc = { type: 'sched_cls' } as const;
const filter = { type: 'socket_filter' } as const;
/** r6 is an unknown number. */
const unknown = 'call bpf_get_prandom_u32; r6 = r0';

/** Control flow, functions, the stack, arithmetic and jumps. */
export const coreCases: readonly VerifierCase[] = [
  // Control flow.
  { name: 'jump past the end', asm: 'r0 = 0; goto +5; exit' },
  { name: 'jump before the start', asm: 'r0 = 0; goto -5; exit' },
  { name: 'jump into ld_imm64', asm: 'goto +1; r0 = 0x100000000 ll; exit' },
  { name: 'falls off the end', asm: 'r0 = 0' },
  { name: 'unreachable instruction', asm: 'goto out; r0 = 1; out: r0 = 0; exit' },
  { name: 'call of nowhere', asm: 'call +9; exit' },
  { name: 'call into another function', asm: 'call f; goto inside; f: r0 = 0; inside: exit' },
  { name: 'endless loop', asm: 'r0 = 0; again: goto again; exit' },
  { name: 'loop without progress', asm: `${unknown}; again: if r6 == 1 goto again; r0 = 0; exit` },
  { name: 'counting loop', asm: 'r6 = 0; again: r6 += 1; if r6 < 100 goto again; r0 = r6; exit' },
  {
    name: 'counting loop down by variable',
    asm: `${unknown}; r6 &= 15; again: r6 += -1; if r6 s> 0 goto again; r0 = 0; exit`,
  },
  { name: 'two million steps', asm: 'r6 = 0; again: r6 += 1; if r6 < 2000000 goto again; r0 = 0; exit' },
  { name: 'unknown class of ld', asm: '.insn(0x61, 0, 1, 0, 5); exit' },
  { name: 'ld with a mode there is not', asm: '.insn(0x78, 0, 0, 0, 0); r0 = 0; exit' },
  { name: 'ld of nothing', asm: '.insn(0x00, 0, 0, 0, 0); exit' },
  { name: 'exit with fields', asm: 'r0 = 0; .insn(0x95, 1, 0, 0, 0)' },
  { name: 'ja with fields', asm: 'r0 = 0; .insn(0x05, 1, 0, 0, 0); exit' },
  { name: 'call with fields', asm: '.insn(0x85, 1, 0, 0, 7); exit' },
  { name: 'mov with fields', asm: '.insn(0xb7, 0, 0, 4, 0); exit' },
  { name: 'add with fields', asm: 'r0 = 0; .insn(0x07, 0, 0, 3, 1); exit' },
  { name: 'neg with fields', asm: 'r0 = 0; .insn(0x87, 0, 0, 0, 1); exit' },
  { name: 'end of no size', asm: 'r0 = 0; .insn(0xd4, 0, 0, 0, 8); exit' },
  { name: 'stx of no mode', asm: '.insn(0xdb, 10, 0, -8, 0x99); r0 = 0; exit' },
  { name: 'alu of no operation', asm: 'r0 = 0; .insn(0xe7, 0, 0, 0, 0); exit' },
  { name: 'jmp of no operation', asm: 'r0 = 0; .insn(0xf5, 0, 0, 0, 0); exit' },
  { name: 'jmp32 exit', asm: 'r0 = 0; .insn(0x96, 0, 0, 0, 0); exit' },
  { name: 'register 11', asm: '.insn(0xb7, 11, 0, 0, 0); r0 = 0; exit' },
  { name: 'register 12 as source', asm: '.insn(0xbf, 0, 12, 0, 0); exit' },
  { name: 'r0 not set', asm: 'exit' },
  { name: 'r5 not set', asm: 'r0 = r5; exit' },
  { name: 'argument register after a call', asm: 'r1 = 1; call bpf_get_prandom_u32; r0 = r1; exit' },
  { name: 'frame pointer written', asm: 'r10 = 1; r0 = 0; exit' },
  { name: 'frame pointer added to', asm: 'r10 += 1; r0 = 0; exit' },
  { name: 'callee reads caller registers', asm: 'r6 = 1; call f; exit; f: r0 = r6; exit' },
  { name: 'callee keeps caller registers', asm: 'r6 = 1; call f; r0 = r6; exit; f: r6 = 2; r0 = 0; exit' },
  { name: 'argument not set for a function', asm: 'call f; exit; f: r0 = r2; exit' },
  { name: 'function returns nothing', asm: 'call f; r0 = 0; exit; f: exit' },
  { name: 'function returns its stack', asm: 'call f; r0 = 0; exit; f: r0 = r10; exit' },
  { name: 'recursion', asm: 'call f; r0 = 0; exit; f: call f; exit' },
  {
    name: 'nine frames',
    asm: `call f1; r0 = 0; exit; ${[1, 2, 3, 4, 5, 6, 7].map((i) => `f${i}: call f${i + 1}; exit`).join('; ')}; f8: r0 = 0; exit`,
  },
  {
    name: 'eight frames',
    asm: `call f1; r0 = 0; exit; ${[1, 2, 3, 4, 5, 6].map((i) => `f${i}: call f${i + 1}; exit`).join('; ')}; f7: r0 = 0; exit`,
  },
  {
    name: 'stack of two functions together',
    ...tc,
    asm: '*(u8 *)(r10 - 300) = 0; call f; r0 = 0; exit; f: *(u8 *)(r10 - 300) = 0; r0 = 0; exit',
  },
  { name: 'stack of one function', ...tc, asm: '*(u8 *)(r10 - 513) = 0; r0 = 0; exit' },
  {
    name: 'tail call with much stack',
    ...tc,
    maps: { p: { type: 'prog_array', value: 4 } },
    funcs: { f: 'static' },
    asm: 'r6 = r1; *(u64 *)(r10 - 264) = 0; r1 = r6; call f; r0 = 0; exit; f: r2 = map(p); r3 = 0; call bpf_tail_call; r0 = 0; exit',
  },
  {
    name: 'callback of bpf_loop that returns 2',
    funcs: { f: 'static' },
    asm: 'r1 = 3; r2 = func(f); r3 = 0; r4 = 0; call bpf_loop; r0 = 0; exit; f: r0 = 2; exit',
  },
  {
    name: 'callback of bpf_loop',
    funcs: { f: 'static' },
    asm: 'r1 = 3; r2 = func(f); r3 = 0; r4 = 0; call bpf_loop; r0 = 0; exit; f: r0 = 0; exit',
  },
  {
    name: 'callback with ld_abs',
    ...filter,
    funcs: { f: 'static' },
    asm: 'r6 = r1; r1 = 3; r2 = func(f); r3 = r6; r4 = 0; call bpf_loop; r0 = 0; exit; f: r6 = r2; .insn(0x30, 0, 0, 0, 0); r0 = 0; exit',
  },
  {
    name: 'global callback',
    funcs: { f: 'global' },
    asm: 'r1 = 3; r2 = func(f); r3 = 0; r4 = 0; call bpf_loop; r0 = 0; exit; f: r0 = 0; exit',
  },
  {
    name: 'bpf_loop with flags',
    funcs: { f: 'static' },
    asm: 'r1 = 3; r2 = func(f); r3 = 0; r4 = 1; call bpf_loop; r0 = 0; exit; f: r0 = 0; exit',
  },
  { name: 'throw', asm: 'r1 = 0; call bpf_throw; r0 = 0; exit' },
  {
    name: 'throw in a callback',
    funcs: { f: 'static' },
    asm: 'r1 = 3; r2 = func(f); r3 = 0; r4 = 0; call bpf_loop; r0 = 0; exit; f: r1 = 0; call bpf_throw; r0 = 0; exit',
  },
  { name: 'may_goto with a number', asm: '.insn(0xe5, 0, 0, 0, 1); r0 = 0; exit' },
  { name: 'may_goto loop', asm: 'r0 = 0; again: r0 += 1; may_goto again; exit' },
  { name: 'bounded by may_goto', asm: 'r6 = 0; again: may_goto out; r6 += 1; goto again; out: r0 = r6; exit' },
  // The stack.
  { name: 'partly overwritten spill', caps: 'bpf', asm: '*(u64 *)(r10 - 8) = r1; *(u8 *)(r10 - 8) = 0; r0 = 0; exit' },
  { name: 'narrow spill of a pointer', caps: 'bpf', asm: '*(u32 *)(r10 - 8) = r1; r0 = 0; exit' },
  {
    name: 'narrow fill of a pointer',
    caps: 'bpf',
    asm: '*(u64 *)(r10 - 8) = r1; r0 = *(u32 *)(r10 - 8); r0 = 0; exit',
  },
  { name: 'narrow fill of a pointer, root', asm: '*(u64 *)(r10 - 8) = r1; r0 = *(u32 *)(r10 - 8); r0 = 0; exit' },
  {
    name: 'stack pointer spilled to the caller',
    asm: 'r1 = r10; r1 += -8; call f; r0 = 0; exit; f: *(u64 *)(r1 + 0) = r10; r0 = 0; exit',
  },
  {
    name: 'spill and fill of a number',
    asm: `${unknown}; r6 &= 7; *(u64 *)(r10 - 8) = r6; r1 = *(u64 *)(r10 - 8); r2 = r10; r2 += -32; r2 += r1; *(u8 *)(r2 + 0) = 1; r0 = 0; exit`,
  },
  {
    name: 'narrow fill keeps bounds',
    asm: `${unknown}; r6 &= 7; *(u32 *)(r10 - 8) = r6; r1 = *(u32 *)(r10 - 8); r2 = r10; r2 += -32; r2 += r1; *(u8 *)(r2 + 0) = 1; r0 = 0; exit`,
  },
  {
    name: 'misaligned stack read',
    asm: '*(u64 *)(r10 - 16) = 0; *(u64 *)(r10 - 8) = 0; r0 = *(u64 *)(r10 - 12); exit',
  },
  { name: 'stack read above', asm: 'r0 = *(u64 *)(r10 + 8); exit' },
  { name: 'stack write below', asm: '*(u64 *)(r10 - 520) = 0; r0 = 0; exit' },
  {
    name: 'stack, variable read',
    asm: `*(u64 *)(r10 - 16) = 0; *(u64 *)(r10 - 8) = 0; ${unknown}; r6 &= 7; r1 = r10; r1 += -16; r1 += r6; r0 = *(u8 *)(r1 + 0); exit`,
  },
  {
    name: 'stack, variable read too far',
    asm: `${unknown}; r6 &= 31; r1 = r10; r1 += -16; r1 += r6; r0 = *(u8 *)(r1 + 0); exit`,
  },
  { name: 'stack, unbounded offset', asm: `${unknown}; r1 = r10; r1 += r6; r0 = *(u8 *)(r1 + 0); exit` },
  {
    name: 'stack, unbounded 64-bit offset',
    asm: 'r0 = *(u64 *)(r1 + 0); r2 = r10; r2 += r0; *(u8 *)(r2 + 0) = 1; r0 = 0; exit',
  },
  {
    name: 'stack, variable offset without perfmon',
    caps: 'bpf',
    asm: `*(u64 *)(r10 - 8) = 0; ${unknown}; r6 &= 7; r1 = r10; r1 += -8; r1 += r6; r0 = *(u8 *)(r1 + 0); exit`,
  },
  {
    name: 'variable write over a spilled pointer',
    caps: 'bpf',
    asm: `*(u64 *)(r10 - 8) = r1; ${unknown}; r6 &= 7; r2 = r10; r2 += -8; r2 += r6; *(u8 *)(r2 + 0) = 1; r0 = 0; exit`,
  },
  {
    name: 'variable write over a spilled pointer, root',
    asm: `*(u64 *)(r10 - 8) = r1; ${unknown}; r6 &= 7; r2 = r10; r2 += -8; r2 += r6; *(u8 *)(r2 + 0) = 1; r1 = *(u64 *)(r10 - 8); r0 = *(u32 *)(r1 + 0); exit`,
  },
  {
    name: 'uninitialised stack to a helper',
    ...tc,
    caps: 'bpf',
    maps: m,
    asm: 'r1 = map(m); r2 = r10; r2 += -4; call bpf_map_lookup_elem; r0 = 0; exit',
  },
  {
    name: 'stack to a helper, variable',
    maps: m,
    asm: `*(u64 *)(r10 - 16) = 0; *(u64 *)(r10 - 8) = 0; ${unknown}; r6 &= 7; r2 = r10; r2 += -16; r2 += r6; r1 = map(m); call bpf_map_lookup_elem; r0 = 0; exit`,
  },
  {
    name: 'stack to a helper, too far',
    maps: m,
    asm: 'r1 = map(m); r2 = r10; r2 += -2; call bpf_map_lookup_elem; r0 = 0; exit',
  },
  {
    name: 'pointer in stack leaked to a helper',
    ...tc,
    caps: 'bpf',
    maps: m,
    asm: '*(u64 *)(r10 - 8) = r1; r1 = map(m); r2 = r10; r2 += -8; call bpf_map_lookup_elem; r0 = 0; exit',
  },
  // Arithmetic.
  { name: 'division by zero constant', asm: 'r0 = 1; r0 /= 0; exit' },
  { name: 'modulo by zero constant, 32 bits', asm: 'w0 = 1; w0 %= 0; exit' },
  { name: 'division by zero register', asm: 'r0 = 1; r1 = 0; r0 /= r1; exit' },
  { name: 'shift by 64', asm: 'r0 = 1; r0 <<= 64; exit' },
  { name: 'shift by 32 of 32 bits', asm: 'w0 = 1; w0 >>= 32; exit' },
  { name: 'shift by -1', asm: 'r0 = 1; r0 s>>= -1; exit' },
  { name: 'ctx negated', asm: 'r1 = -r1; r0 = 0; exit' },
  { name: 'pointer negated without perfmon', caps: 'bpf', asm: 'r1 = -r1; r0 = 0; exit' },
  { name: 'pointer multiplied', asm: 'r10 = r10; r1 = r10; r1 *= 2; r0 = 0; exit' },
  { name: 'ctx multiplied', asm: 'r1 *= 2; r0 = 0; exit' },
  { name: 'pointer or pointer', maps: m, asm: `${lookup}; if r0 == 0 goto out; r1 = r10; r1 |= r0; ${tail}` },
  { name: 'pointer plus pointer', asm: 'r2 = r10; r2 += r1; r0 = 0; exit' },
  { name: 'stack pointer minus stack pointer', asm: 'r2 = r10; r3 = r10; r2 -= r3; r0 = 0; exit' },
  { name: 'number minus pointer', asm: 'r2 = 5; r2 -= r10; r0 = 0; exit' },
  { name: 'number minus pointer without perfmon', caps: 'bpf', asm: 'r2 = 5; r2 -= r10; r0 = 0; exit' },
  { name: '32-bit add on a pointer', asm: 'w1 += 1; r0 = 0; exit' },
  { name: '32-bit move of a pointer', asm: 'w2 = w1; r0 = 0; exit' },
  { name: '32-bit move of a pointer without perfmon', caps: 'bpf', asm: 'w2 = w1; r0 = 0; exit' },
  { name: 'sign extension of a pointer', asm: 'r2 = (s8)r1; r0 = 0; exit' },
  { name: 'addr_space_cast without arena', asm: 'r2 = addr_space_cast(r1, 0, 1); r0 = 0; exit' },
  { name: 'addr_space_cast of other spaces', asm: 'r2 = addr_space_cast(r1, 0, 2); r0 = 0; exit' },
  { name: 'byte swap of a pointer', asm: 'r1 = be64 r1; r0 = 0; exit' },
  { name: 'add of an uninitialised register', asm: 'r0 = 0; r0 += r7; exit' },
  // Jumps and what they teach.
  {
    name: 'comparison of pointers without perfmon',
    caps: 'bpf',
    asm: 'r0 = 0; if r1 == r10 goto out; r0 = 0; out: exit',
  },
  { name: 'comparison of pointers', asm: 'r0 = 0; if r1 == r10 goto out; r0 = 0; out: exit' },
  { name: 'jump on an uninitialised register', asm: 'r0 = 0; if r7 == 0 goto out; out: exit' },
  {
    name: 'bounds by unsigned comparison',
    maps: m,
    asm: `${unknown}; if r6 > 15 goto out; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'bounds by one too many',
    maps: m,
    asm: `${unknown}; if r6 > 16 goto out; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'bounds by signed comparison alone',
    maps: m,
    asm: `r6 = *(u64 *)(r10 - 64); if r6 s> 15 goto out; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'bounds by both signed comparisons',
    maps: m,
    asm: `r6 = *(u64 *)(r10 - 64); if r6 s> 15 goto out; if r6 s< 0 goto out; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'bounds by mask',
    maps: m,
    asm: `${unknown}; r6 &= 15; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'bounds by 32-bit comparison',
    maps: m,
    asm: `r6 = *(u64 *)(r10 - 64); if w6 > 15 goto out; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'bounds by 32-bit comparison of 32 bits',
    maps: m,
    asm: `${unknown}; if w6 > 15 goto out; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'bounds by shift',
    maps: m,
    asm: `${unknown}; r6 >>= 28; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'bounds by modulo',
    maps: m,
    asm: `${unknown}; r6 %= 16; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'bounds by division',
    maps: m,
    asm: `${unknown}; w6 /= 0x10000000; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'bounds through a copy',
    maps: m,
    asm: `${unknown}; r7 = r6; if r7 > 15 goto out; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'bounds through a copy plus a number',
    maps: m,
    asm: `${unknown}; r7 = r6; r7 += 1; if r7 > 15 goto out; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'bounds by jset',
    maps: m,
    asm: `${unknown}; if r6 & 0xfffffff0 goto out; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'bounds by equality with a bounded register',
    maps: m,
    asm: `${unknown}; r7 = r6; call bpf_get_prandom_u32; r6 = r0; r7 &= 15; if r6 != r7 goto out; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'bounds lost by multiplication',
    maps: m,
    asm: `${unknown}; r6 &= 15; r6 *= 2; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'bounds of an xor',
    maps: m,
    asm: `${unknown}; r6 &= 7; r6 ^= 8; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'sign extension keeps bounds',
    maps: m,
    asm: `${unknown}; r6 &= 15; r6 = (s8)r6; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'sign extension may be negative',
    maps: m,
    asm: `${unknown}; r6 &= 255; r6 = (s8)r6; ${lookup}; if r0 == 0 goto out; r0 += r6; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  { name: 'dead branch by constants', asm: 'r0 = 0; r1 = 5; if r1 == 5 goto out; r0 = *(u64 *)(r0 + 0); out: exit' },
  {
    name: 'null check of the wrong register',
    maps: m,
    asm: `${lookup}; r6 = r0; r7 = 1; if r7 == 0 goto out; r1 = *(u8 *)(r6 + 0); ${tail}`,
  },
  {
    name: 'null check through a copy',
    maps: m,
    asm: `${lookup}; r6 = r0; if r0 == 0 goto out; r1 = *(u8 *)(r6 + 0); ${tail}`,
  },
  {
    name: 'null check through a spill',
    maps: m,
    asm: `${lookup}; *(u64 *)(r10 - 16) = r0; if r0 == 0 goto out; r6 = *(u64 *)(r10 - 16); r1 = *(u8 *)(r6 + 0); ${tail}`,
  },
  {
    name: 'null check by jne',
    maps: m,
    asm: `${lookup}; if r0 != 0 goto ok; goto out; ok: r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  {
    name: 'arithmetic before the null check',
    maps: m,
    asm: `${lookup}; r0 += 8; if r0 == 0 goto out; r1 = *(u8 *)(r0 + 0); ${tail}`,
  },
  { name: 'number read as pointer', ...task, asm: 'r2 = 5; r0 = *(u64 *)(r2 + 0); r0 = 0; exit' },
];
