import type { VerifierCase } from '../case.ts';

const tc = { type: 'sched_cls' } as const;
const filter = { type: 'socket_filter' } as const;
const unknown = 'call bpf_get_prandom_u32; r6 = r0';
const leave = 'r0 = 0; exit';
const many = (n: number, each: (i: number) => string) => Array.from({ length: n }, (_, i) => each(i)).join('; ');
/** Calls f three times; *(u64 *)r2 is the context there. */
const loopWithCtx = `*(u64 *)(r10 - 8) = r1; r1 = 3; r2 = func(f); r3 = r10; r3 += -8; r4 = 0; call bpf_loop; ${leave}`;
const callback = { cb: { linkage: 'global', args: ['int'] } } as const;
const catches = 'r0 = 0; exit; cb: r0 = 0; exit';

/** One case for each message of control flow, functions, the stack and arithmetic that the others do not provoke. */
export const wordsCoreCases: readonly VerifierCase[] = [
  { name: 'words: jump into ld_imm64', asm: '.insn(0x15, 1, 0, 1, 0); r0 = 0x100000000 ll; exit' },
  {
    name: 'words: too many functions',
    asm: `${many(256, (i) => `call f${i}`)}; ${leave}; ${many(256, (i) => `f${i}: ${leave}`)}`,
  },
  {
    name: 'words: too many async callbacks',
    ...tc,
    maps: { t: { of: 'timer' } },
    funcs: { f: 'static' },
    asm: `r6 = 0; again: r1 = map_value(t, 0); r2 = func(f); call bpf_timer_set_callback; r6 += 1; if r6 < 9000 goto again;
      ${leave}; f: ${leave}`,
  },
  {
    name: 'words: too many callbacks that are yet to be looked at',
    ...tc,
    maps: { a: { value: 8 } },
    funcs: { f: 'static' },
    asm: `r6 = 0; again: r1 = map(a); r2 = func(f); r3 = r10; r4 = 0; call bpf_for_each_map_elem; r6 += 1; if r6 < 9000 goto again;
      ${leave}; f: ${leave}`,
  },
  {
    name: 'words: too many locks that may fail',
    ...tc,
    maps: { l: { of: 'res_lock' } },
    asm: `r6 = 0; again: r1 = map_value(l, 0); call bpf_res_spin_lock; if r0 != 0 goto out; r1 = map_value(l, 0);
      call bpf_res_spin_unlock; r6 += 1; if r6 < 9000 goto again; out: ${leave}`,
  },
  { name: 'words: two exception callbacks', exceptionCallback: ['cb', 'cb'], funcs: callback, asm: catches },
  { name: 'words: exception callback that is not there', exceptionCallback: 'nowhere', funcs: {}, asm: leave },
  {
    name: 'words: static exception callback',
    exceptionCallback: 'cb',
    funcs: { cb: { linkage: 'static', args: ['int'] } },
    asm: `call cb; ${catches}`,
  },
  { name: 'words: the program as its exception callback', exceptionCallback: 'main', funcs: {}, asm: leave },
  {
    name: 'words: exception callback with two arguments',
    exceptionCallback: 'cb',
    funcs: { cb: { linkage: 'global', args: ['int', 'int'] } },
    asm: catches,
  },
  {
    name: 'words: exception callback called',
    exceptionCallback: 'cb',
    funcs: callback,
    asm: `r1 = 0; call cb; ${catches}`,
  },
  {
    name: 'words: exception callback without func_info',
    exceptionCallback: 'cb',
    funcs: callback,
    asm: catches,
    also: ({ funcs }) => ({ funcs: funcs.slice(0, 1) }),
  },
  {
    name: 'words: tail call below an exception callback',
    ...tc,
    maps: { p: { type: 'prog_array', value: 4 } },
    exceptionCallback: 'cb',
    funcs: { ...callback, f: { linkage: 'static', args: ['pointer'] } },
    asm: `${leave}; cb: r6 = 0; if r6 == 0 goto +1; call f; ${leave}; f: r1 = 0; r2 = map(p); r3 = 0; call bpf_tail_call; ${leave}`,
  },
  {
    name: 'words: callback that returns a pointer',
    ...tc,
    funcs: { f: 'static' },
    asm: `${loopWithCtx}; f: r0 = *(u64 *)(r2 + 0); exit`,
  },
  {
    name: 'words: ld_abs in a callback',
    ...filter,
    funcs: { f: 'static' },
    asm: `${loopWithCtx}; f: r6 = *(u64 *)(r2 + 0); .insn(0x30, 0, 0, 0, 0); ${leave}`,
  },
  {
    name: 'words: ld_abs of a callback in a function',
    ...filter,
    funcs: { f: 'static', g: 'static' },
    asm: `${loopWithCtx};
      f: r1 = *(u64 *)(r2 + 0); call g; ${leave}; g: r6 = r1; .insn(0x30, 0, 0, 0, 0); ${leave}`,
  },
  {
    name: 'words: ld_abs in a callback that never runs it',
    ...filter,
    funcs: { f: 'static' },
    asm: `${loopWithCtx}; f: r6 = 0; if r6 == 0 goto +1; .insn(0x30, 0, 0, 0, 0); ${leave}`,
  },
  {
    name: 'words: ld_abs below a callback that never calls it',
    ...filter,
    funcs: { f: 'static', g: 'static' },
    asm: `${loopWithCtx}; f: r6 = 0; if r6 == 0 goto +1; call g; ${leave}; g: r6 = r1; .insn(0x30, 0, 0, 0, 0); ${leave}`,
  },
  {
    name: 'words: ld_abs in an async callback that never runs it',
    ...tc,
    maps: { t: { of: 'timer' } },
    funcs: { f: 'static' },
    asm: `r1 = map_value(t, 0); r2 = func(f); call bpf_timer_set_callback; ${leave};
      f: r6 = 0; if r6 == 0 goto +1; .insn(0x30, 0, 0, 0, 0); ${leave}`,
  },
  {
    name: 'words: stack offset without bounds',
    asm: `${unknown}; w6 = w6; r1 = r10; r1 += r6; r0 = *(u8 *)(r1 + 0); ${leave}`,
  },
  {
    name: 'words: pointer in what a helper reads',
    ...filter,
    caps: 'bpf',
    maps: { h: { type: 'hash', key: 8 } },
    asm: `*(u64 *)(r10 - 8) = r1; r1 = map(h); r2 = r10; r2 += -8; call bpf_map_lookup_elem; ${leave}`,
  },
  {
    name: 'words: unset stack that a helper reads',
    ...filter,
    caps: 'bpf',
    maps: { h: { type: 'hash', key: 8 } },
    asm: `r1 = map(h); r2 = r10; r2 += -8; call bpf_map_lookup_elem; ${leave}`,
  },
  {
    name: 'words: helper that writes over a dynptr',
    maps: { m: {} },
    asm: `r1 = map_value(m, 0); r2 = 8; r3 = 0; r4 = r10; r4 += -16; call bpf_dynptr_from_mem;
      r1 = r10; r1 += -16; r2 = 16; call bpf_get_current_comm; ${leave}`,
  },
  {
    name: 'words: helper that reads a dynptr somewhere',
    maps: { m: {} },
    asm: `r1 = map_value(m, 0); r2 = 8; r3 = 0; r4 = r10; r4 += -16; call bpf_dynptr_from_mem; ${unknown}; r6 &= 8;
      r1 = r10; r1 += -24; r1 += r6; r2 = 8; r3 = 0; r4 = 0; call bpf_trace_printk; ${leave}`,
  },
  { name: 'words: sign extension of a pointer', ...filter, caps: 'bpf', asm: `.insn(0xbf, 2, 1, 8, 0); ${leave}` },
  {
    name: 'words: ld_abs with fields',
    ...filter,
    asm: `r6 = r1; .insn(0x30, 1, 0, 0, 0); ${leave}`,
  },
  {
    name: 'words: may sleep below a lock of RCU',
    funcs: { g: { linkage: 'global', args: [] } },
    asm: `call bpf_rcu_read_lock; call g; r6 = r0; call bpf_rcu_read_unlock; ${leave};
      g: r1 = r10; r1 += -8; r2 = 8; r3 = 0; call bpf_copy_from_user; ${leave}`,
  },
  {
    name: 'words: address of a function that nothing calls, at the end',
    funcs: { g: 'static', f: 'static' },
    asm: `call g; r1 = func(f); ${leave}; g: ${leave}; f: ${leave}`,
  },
  // Spectre v1.
  {
    name: 'words: stack pointer beyond the stack, unprivileged',
    ...filter,
    caps: 'bpf',
    asm: `r1 = r10; r1 += -600; ${leave}`,
  },
  {
    name: 'words: map value pointer beyond, unprivileged',
    ...filter,
    caps: 'bpf',
    maps: { m: {} },
    asm: `r1 = map_value(m, 0); r1 += 9; ${leave}`,
  },
  {
    name: 'words: offset of both signs, unprivileged',
    ...filter,
    caps: 'bpf',
    maps: { m: {} },
    asm: `r1 = map_value(m, 0); r2 = *(u64 *)(r1 + 0); if r2 s> 4 goto out; if r2 s< -4 goto out; r1 += r2; out: ${leave}`,
  },
  {
    name: 'words: moved pointer that has no mask, unprivileged',
    ...filter,
    caps: 'bpf',
    asm: `r2 = 0; r1 += r2; ${leave}`,
  },
  {
    name: 'words: two masks for one move, unprivileged',
    ...filter,
    caps: 'bpf',
    maps: { m: {}, n: { value: 16 } },
    asm: `r6 = *(u32 *)(r1 + 0); r2 = map_value(m, 0); r7 = *(u64 *)(r2 + 0); r7 &= 3; if r6 > 5 goto other; goto both; other:
      r2 = map_value(n, 0); r7 &= 1; both: r2 += r7; ${leave}`,
  },
  {
    name: 'words: stack pointer moved up, unprivileged',
    ...filter,
    caps: 'bpf',
    asm: `r3 = 8; r2 = r10; r2 += -512; r2 += r3; ${leave}`,
  },
  {
    name: 'words: map value moved left of it, unprivileged',
    ...filter,
    caps: 'bpf',
    maps: { m: {} },
    asm: `r2 = map_value(m, 0); r7 = *(u64 *)(r2 + 0); r7 &= 3; r2 -= r7; ${leave}`,
  },
  {
    name: 'words: more guesses than fit, unprivileged',
    ...filter,
    caps: 'bpf',
    maps: { m: { value: 64 } },
    asm: `r6 = 0; r8 = map_value(m, 0); again: r2 = r8; r7 = *(u64 *)(r2 + 0); r7 &= 3; r2 += r7; r6 += 1; if r6 < 9000 goto again; ${leave}`,
  },
  {
    name: 'words: tail call through one of two maps, unprivileged',
    ...filter,
    caps: 'bpf',
    maps: { p: { type: 'prog_array', value: 4 }, q: { type: 'prog_array', value: 4 } },
    asm: `r6 = r1; r3 = *(u32 *)(r1 + 0); r2 = map(p); if r3 > 5 goto both; r2 = map(q); both: r1 = r6; call bpf_tail_call; ${leave}`,
  },
];
