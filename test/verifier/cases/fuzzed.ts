import type { VerifierCase } from '../case.ts';

/** Shrunk programs on which the live kernel and this verifier once differed. */
export const fuzzedCases: readonly VerifierCase[] = [
  {
    name: 'fuzz: throw inside a loop, before a checkpoint',
    type: 'sched_cls',
    funcs: {},
    asm: 'again: r1 = 0; call bpf_throw; if r0 != 10 goto again; r0 = 0; exit',
  },
  {
    name: 'fuzz: address of a function that only dead code calls',
    type: 'sched_cls',
    funcs: { f: 'static', g: 'static', h: 'static' },
    asm: `r2 = func(f); r0 = 0; if r0 == 0 goto out; r1 = 1; r3 = 0; r4 = 0; call bpf_loop; out: call g; r0 = 0; exit
          f: call h; r0 = 0; exit; g: r0 = 0; exit; h: r0 = 0; exit`,
  },
  {
    name: 'fuzz: bpf_obj_new in a program without func_info',
    type: 'sched_cls',
    asm: 'r1 = type_id(leaf); r2 = 0; call bpf_obj_new_impl; if r0 == 0 goto out; r1 = r0; r2 = 0; call bpf_obj_drop_impl; out: r0 = 0; exit',
  },
  {
    name: 'fuzz: callback in a loop that another path remembers',
    type: 'sched_cls',
    funcs: { f: 'static' },
    asm: `r8 = 0; again: r1 = 3; r2 = func(f); r3 = 0; r4 = 0; call bpf_loop; r8 += 1; if r8 != 10 goto again; r0 = 0; exit
          f: if r1 <= 31 goto done; r0 = 0; exit; done: r0 = 1; exit`,
  },
  {
    name: 'fuzz: pointer moved by a little more than the smallest number',
    type: 'sched_cls',
    maps: { m: { value: 16 } },
    asm: `*(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; r1 = map(m); call bpf_map_lookup_elem; if r0 == 0 goto out;
          r3 = *(u64 *)(r0 + 0); if w3 s<= 64 goto out; r0 += r3; out: r0 = 0; exit`,
  },
];
