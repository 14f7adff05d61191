/** Small programs for the fixtures in wat/, each of which shows one thing that the JIT does. */
import type { MapType } from '../../src/uapi/bpf.ts';

export interface WatCase {
  /** `map` in it is the map of type `map`: four entries of 8 bytes. */
  readonly asm: string;
  readonly map?: MapType;
  /** nr_cpu_ids, 4 where nothing is said, and NR_CPUS, 64. */
  readonly cpus?: number;
  readonly nrCpus?: number;
  /** Bytes of stack. */
  readonly stack?: number;
  /** Loads that the verifier marked, and instructions that it reached. */
  readonly probes?: readonly number[];
  readonly reached?: readonly number[];
}

/** Control flow: blocks, loops, where instructions are counted and the budget is looked at. */
const FLOW: Readonly<Record<string, WatCase>> = {
  'straight line': { asm: 'r0 = r1; r0 += 5; w0 ^= w2; r0 s>>= 3; exit' },
  'if and else': { asm: 'if r1 > 7 goto big; r0 = 1; goto out; big: r0 = 2; out: r0 += r1; exit' },
  'branch that the verifier knows': {
    asm: 'r0 = 1; if r1 == 0 goto dead; exit; dead: r0 = 2; exit',
    reached: [1, 1, 1, 0, 0],
  },
  'loop with a call': {
    asm: 'r6 = r1; r7 = 0; l: call bpf_ktime_get_ns; r7 += r0; r6 -= 1; if r6 != 0 goto l; r0 = r7; exit',
  },
  'loop unrolled': {
    asm: 'r0 = 0; l: r0 += r1; r1 *= r2; r3 ^= r1; r4 += r3; r5 -= r4; r0 ^= r5; r0 *= 3; r1 += 1; r2 ^= r0; r3 += r2; r4 -= 7; r5 += 9; r0 -= r4; r1 ^= r5; r2 *= 5; r3 ^= 6; r4 += r2; r5 ^= r1; r0 += r3; r1 -= r4; r2 += 1; r3 -= r5; r4 ^= r0; r5 += r1; if r1 != 0 goto l; exit',
  },
  'loop in a loop': {
    asm: 'r0 = 0; outer: r6 = r2; inner: call bpf_jiffies64; r6 -= 1; if r6 != 0 goto inner; r1 -= 1; if r1 != 0 goto outer; exit',
  },
  'loop with two entries': {
    asm: 'r0 = 0; if r1 == 0 goto b; a: call bpf_ktime_get_ns; b: call bpf_jiffies64; if r0 != 5 goto a; exit',
  },
  may_goto: { asm: 'r0 = 0; l: may_goto out; r0 += 1; call bpf_ktime_get_ns; goto l; out: exit' },
  function: { asm: 'r2 = 5; call f; r0 += 1; exit; f: r0 = r1; r0 *= r2; exit' },
  exception: { asm: 'if r1 != 0 goto ok; call bpf_throw; ok: r0 = 0; exit' },
};

/** What instructions become that WebAssembly has in other words. */
const INSTRUCTIONS: Readonly<Record<string, WatCase>> = {
  'stack and memory': {
    asm: '*(u64 *)(r10 -8) = r1; r2 = r10; r2 += -16; *(u32 *)(r2 +4) = 7; r0 = *(s16 *)(r1 -2); r3 = *(u8 *)(r10 -8); r0 += r3; exit',
    stack: 16,
  },
  'load that may find nothing': { asm: 'r0 = *(u32 *)(r1 +8); exit', probes: [0] },
  'pointers that may lead nowhere': { asm: 'r1 = *(u64 *)(r1 +16); r0 = *(s8 *)(r1 -1); exit', probes: [0, 1] },
  division: { asm: 'r0 = r1; r0 /= r2; w0 s%= w3; r0 /= 10; exit' },
  atomics: { asm: 'r0 = 1; lock *(u64 *)(r1 +0) += r2; lock *(u32 *)(r1 +8) |= r3; exit' },
  'atomics that fetch': {
    asm: 'r2 = atomic64_fetch_xor((u64 *)(r1 +0), r2); r3 = atomic32_xchg((u32 *)(r1 -4), r3); r0 = r3; exit',
  },
  'atomic compare and exchange': {
    asm: 'r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2); r0 = atomic32_cmpxchg((u32 *)(r1 +8), r0, r2); exit',
  },
  'acquire and release': { asm: 'r0 = load_acquire((u32 *)(r1 +4)); store_release((u64 *)(r2 -8), r0); exit' },
  'popcount of 64 bits': {
    asm: 'r3 = 0x5555555555555555 ll; r4 = 0x3333333333333333 ll; r5 = 0x0f0f0f0f0f0f0f0f ll; r7 = 0x0101010101010101 ll; r0 = r1; r0 >>= 1; r0 &= r3; r1 -= r0; r0 = r1; r0 &= r4; r1 >>= 2; r1 &= r4; r0 += r1; r1 = r0; r1 >>= 4; r0 += r1; r0 &= r5; r0 *= r7; r0 >>= 56; exit',
  },
  'zero extension': { asm: 'r0 = r1; r0 <<= 32; r0 >>= 32; exit' },
};

/** Calls of other kernel functions than those on masks, and back into the program. */
const CALLS: Readonly<Record<string, WatCase>> = {
  'array lookup': { asm: 'r2 = r1; r1 = map(map); call bpf_map_lookup_elem; exit', map: 'array' },
  'array lookup of this CPU': { asm: 'r2 = r1; r1 = map(map); call bpf_map_lookup_elem; exit', map: 'percpu_array' },
  'hash lookup': { asm: 'r2 = r1; r1 = map(map); call bpf_map_lookup_elem; exit', map: 'hash' },
  kptr_xchg: { asm: 'call bpf_kptr_xchg; exit' },
  rcu_read_lock: { asm: 'call bpf_rcu_read_lock; r0 = 0; exit' },
  rcu_read_unlock: { asm: 'call bpf_rcu_read_unlock; r0 = 0; exit' },
  get_smp_processor_id: { asm: 'call bpf_get_smp_processor_id; exit' },
  iter_num_next: { asm: 'call bpf_iter_num_next; exit' },
  kfuncs: { asm: 'call bpf_cpumask_create; if r0 == 0 goto out; r1 = r0; call bpf_cpumask_weight; out: exit' },
  callback: { asm: 'r1 = 100; r2 = func(cb); r3 = 0; r4 = 0; call bpf_loop; exit; cb: r0 = 0; exit' },
  'callback of either': {
    asm: 'r2 = func(one); if r1 == 0 goto go; r2 = func(two); go: r3 = 0; r4 = 0; call bpf_loop; exit; one: r0 = 0; exit; two: r0 = 1; exit',
  },
  for_each_map_elem: {
    asm: 'r1 = map(map); r2 = func(cb); r3 = 0; r4 = 0; call bpf_for_each_map_elem; exit; cb: r0 = 0; exit',
    map: 'array',
  },
  rbtree_add: { asm: 'r3 = func(less); call bpf_rbtree_add_impl; exit; less: r0 = 0; exit' },
  tail_call: { asm: 'r2 = map(map); r3 = 1; call bpf_tail_call; r0 = 7; exit', map: 'prog_array' },
};

const exits = (kfunc: string) => `call ${kfunc}; exit`;
const returns = (kfunc: string) => `call ${kfunc}; r0 = 0; exit`;
/** Masks of four words, the last of them in part, and of 128. */
const FOUR_WORDS = { cpus: 200, nrCpus: 8192 };
const ALL_WORDS = { cpus: 8192, nrCpus: 8192 };

/** Kfuncs on masks: in line where the words are few, of one word where nothing is said. */
const CPUMASK: Readonly<Record<string, WatCase>> = {
  'cpumask set_cpu': { asm: returns('bpf_cpumask_set_cpu') },
  'cpumask clear_cpu': { asm: returns('bpf_cpumask_clear_cpu') },
  'cpumask test_cpu': { asm: exits('bpf_cpumask_test_cpu') },
  'cpumask test_and_set_cpu': { asm: exits('bpf_cpumask_test_and_set_cpu') },
  'cpumask test_and_clear_cpu': { asm: exits('bpf_cpumask_test_and_clear_cpu') },
  'cpumask first': { asm: exits('bpf_cpumask_first') },
  'cpumask first of 4 words': { asm: exits('bpf_cpumask_first'), ...FOUR_WORDS },
  'cpumask first_zero': { asm: exits('bpf_cpumask_first_zero') },
  'cpumask first_and': { asm: exits('bpf_cpumask_first_and') },
  'cpumask any_distribute': { asm: exits('bpf_cpumask_any_distribute') },
  'cpumask any_distribute of 4 words': { asm: exits('bpf_cpumask_any_distribute'), ...FOUR_WORDS },
  'cpumask and': { asm: exits('bpf_cpumask_and') },
  'cpumask and of 4 words': { asm: exits('bpf_cpumask_and'), ...FOUR_WORDS },
  'cpumask and of 128 words': { asm: exits('bpf_cpumask_and'), ...ALL_WORDS },
  'cpumask or': { asm: returns('bpf_cpumask_or') },
  'cpumask or of 4 words': { asm: returns('bpf_cpumask_or'), ...FOUR_WORDS },
  'cpumask xor of 3 words': { asm: returns('bpf_cpumask_xor'), cpus: 192, nrCpus: 8192 },
  'cpumask empty': { asm: exits('bpf_cpumask_empty') },
  'cpumask empty of 4 words': { asm: exits('bpf_cpumask_empty'), cpus: 256, nrCpus: 256 },
  'cpumask full of 4 words': { asm: exits('bpf_cpumask_full'), ...FOUR_WORDS },
  'cpumask subset': { asm: exits('bpf_cpumask_subset') },
  'cpumask weight of 4 words': { asm: exits('bpf_cpumask_weight'), ...FOUR_WORDS },
  'cpumask setall': { asm: returns('bpf_cpumask_setall') },
  'cpumask copy of 4 words': { asm: returns('bpf_cpumask_copy'), ...FOUR_WORDS },
  'cpumask copy of 128 words': { asm: returns('bpf_cpumask_copy'), ...ALL_WORDS },
  'cpumask clear of 128 words': { asm: returns('bpf_cpumask_clear'), ...ALL_WORDS },
  'cpumask populate': { asm: exits('bpf_cpumask_populate') },
  'cpumask acquire': { asm: exits('bpf_cpumask_acquire') },
  'cpumask release': { asm: returns('bpf_cpumask_release') },
};

export const CASES: Readonly<Record<string, WatCase>> = { ...FLOW, ...INSTRUCTIONS, ...CALLS, ...CPUMASK };
