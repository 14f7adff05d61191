import type { VerifierCase } from '../case.ts';

const leave = 'r0 = 0; exit';
const tc = { type: 'sched_cls' } as const;
const newtask = { type: 'tracing', attach: 'trace_raw_tp', to: 'btf_trace_task_newtask' } as const;
const zero = (...offs: number[]) => offs.map((off) => `*(u64 *)(r10 - ${off}) = 0`).join('; ');
const obj = (type: string) => `r1 = type_id(${type}); r2 = 0; call bpf_obj_new_impl; if r0 == 0 goto out; r6 = r0`;
const dynptr = 'r1 = map_value(m, 0); r2 = 8; r3 = 0; r4 = r10; r4 += -16; call bpf_dynptr_from_mem';
const lookup = `${zero(8)}; r1 = map(k); r2 = r10; r2 += -8; call bpf_map_lookup_elem; if r0 == 0 goto out; r6 = r0`;
const currentTask = 'call bpf_get_current_task_btf';

/** One case for each message that needs more of the case language than the others. */
export const wordsMoreCases: readonly VerifierCase[] = [
  // System calls: the kernel knows the address of each.
  { name: 'words: 257 kfuncs', asm: `calls_of(__x64_sys_, 257); ${leave}` },
  {
    name: 'words: bpf_loop that ends at its limit',
    funcs: { f: 'static' },
    logs: 'frame0 bpf_loop iteration limit reached',
    asm: `r6 = 0; r1 = 2; r2 = func(f); r3 = r10; r4 = 0; ${zero(8)}; call bpf_loop; ${leave};
      f: r6 = *(u64 *)(r2 - 8); r6 += 1; *(u64 *)(r2 - 8) = r6; if r6 > 5 goto bad; r0 = 0; exit; bad: r0 = *(u64 *)(r2 + 8); r0 = 0; exit`,
  },
  {
    name: 'words: value of a sock map taken out',
    ...tc,
    maps: { s: { type: 'sockmap' } },
    asm: `${zero(8)}; r1 = map(s); r2 = r10; r2 += -8; call bpf_map_pop_elem; ${leave}`,
  },
  {
    name: 'words: kptr exchanged for what may be NULL',
    maps: { k: { of: 'kptr' } },
    asm: `${lookup}; call bpf_cpumask_create; r1 = r6; r1 += 8; r2 = r0; call bpf_kptr_xchg; out: ${leave}`,
  },
  {
    name: 'words: local object of a map exchanged for itself',
    ...tc,
    maps: { k: { of: 'leaf' } },
    funcs: {},
    asm: `${lookup}; call bpf_rcu_read_lock; r2 = *(u64 *)(r6 + 0); if r2 == 0 goto none; r1 = r6; call bpf_kptr_xchg;
      none: call bpf_rcu_read_unlock; out: ${leave}`,
  },
  {
    name: 'words: constant dynptr where a new one is made',
    maps: { m: {} },
    funcs: { g: { linkage: 'global', args: ['dynptr'] } },
    asm: `${dynptr}; r1 = r10; r1 += -16; call g; ${leave}; g: r4 = r1; r1 = map_value(m, 0); r2 = 8; r3 = 0; call bpf_dynptr_from_mem; ${leave}`,
  },
  {
    name: 'words: number removed from a tree',
    ...tc,
    maps: { t: { of: 'tree' } },
    asm: `r1 = map_value(t, 0); call bpf_spin_lock; r1 = map_value(t, 8); r2 = 5; call bpf_rbtree_remove; ${leave}`,
  },
  {
    name: 'words: list pushed the other node of an object',
    ...tc,
    maps: { l: { of: 'pairs' } },
    funcs: {},
    asm: `${obj('pair')}; r1 = map_value(l, 0); call bpf_spin_lock; r1 = map_value(l, 8); r2 = r6; r2 += 24; r3 = 0; r4 = 0;
      call bpf_list_push_front_impl; out: ${leave}`,
  },
  {
    name: 'words: callback of a tree below too many calls',
    ...tc,
    maps: { t: { of: 'tree' } },
    funcs: {
      less: { linkage: 'static', args: ['pointer', 'pointer'] },
      ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map((i) => [`f${i}`, 'static' as const])),
    },
    asm: `call f1; ${leave}; ${[1, 2, 3, 4, 5, 6].map((i) => `f${i}: call f${i + 1}; ${leave}`).join('; ')};
      f7: ${obj('node')}; r1 = map_value(t, 0); call bpf_spin_lock; r1 = map_value(t, 8); r2 = r6; r2 += 40; r3 = func(less); r4 = 0; r5 = 0;
      call bpf_rbtree_add_impl; r1 = map_value(t, 0); call bpf_spin_unlock; out: ${leave}; less: ${leave}`,
  },
  {
    name: 'words: tag in a static function',
    funcs: { f: { linkage: 'static', args: ['ctx'], tagged: true } },
    logs: 'arg#0 type tag is not supported in static functions',
    asm: `call f; ${leave}; f: ${leave}`,
  },
  ...(
    [
      ['arena_nonnull', 'arg#0 arena cannot be combined with any other tags'],
      ['untrusted_declared', "arg#0 has type FWD '(anon)', but only struct or primitive types are allowed"],
      ['ctx_anonymous', "arg#0 type doesn't have a name"],
    ] as const
  ).map(
    ([arg, logs]): VerifierCase => ({
      name: `words: global function that takes ${arg}`,
      logs,
      ...tc,
      funcs: { g: { linkage: 'global', args: [arg] } },
      asm: `call g; ${leave}; g: ${leave}`,
    }),
  ),
  {
    name: 'words: context of a tracing program as a task',
    logs: 'arg#0 should be void pointer',
    ...newtask,
    funcs: { g: { linkage: 'global', args: ['ctx_task'] } },
    asm: `call g; ${leave}; g: ${leave}`,
  },
  {
    name: 'words: format on the stack',
    asm: `${zero(8)}; r1 = 1; r2 = r10; r2 += -8; r3 = r10; r3 += -8; r4 = 8; r5 = 0; call bpf_stream_vprintk_impl; ${leave}`,
  },
  {
    name: 'words: write of dummy ops to a task',
    type: 'struct_ops',
    to: 'bpf_dummy_ops.test_1',
    asm: `r1 = 1; call bpf_task_from_pid; if r0 == 0 goto out; *(u32 *)(r0 + 0) = 0; out: ${leave}`,
  },
  {
    name: 'words: argument of a tracepoint that may be an error',
    ...newtask,
    to: 'btf_trace_signal_generate',
    logs: 'marking pointer arg1 as scalar as it may encode error1: R0=scalar() R1=ctx()',
    asm: `r0 = *(u64 *)(r1 + 8); ${leave}`,
  },
  {
    name: 'words: user pointer stored',
    ...newtask,
    maps: { s: { type: 'task_storage', flags: 1, max: 0, of: 'uptr' } },
    asm: `${currentTask}; r2 = r0; r1 = map(s); r3 = 0; r4 = 0; call bpf_task_storage_get; if r0 == 0 goto out; *(u64 *)(r0 + 0) = 0; out: ${leave}`,
  },
  {
    name: 'words: user pointer read',
    ...newtask,
    maps: { s: { type: 'task_storage', flags: 1, max: 0, of: 'uptr' } },
    asm: `${currentTask}; r2 = r0; r1 = map(s); r3 = 0; r4 = 0; call bpf_task_storage_get; if r0 == 0 goto out; r1 = *(u64 *)(r0 + 0);
      if r1 == 0 goto out; *(u64 *)(r1 + 8) = 0; r0 = *(u64 *)(r1 + 16); out: ${leave}`,
  },
  {
    name: 'words: kptr of a map value given to a helper',
    maps: { k: { of: 'kptr' } },
    asm: `${lookup}; r1 = r6; r1 += 8; r2 = 8; call bpf_get_current_comm; out: ${leave}`,
  },
];
