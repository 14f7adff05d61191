import type { VerifierCase } from '../case.ts';

const leave = 'r0 = 0; exit';
const tc = { type: 'sched_cls' } as const;
const filter = { type: 'socket_filter' } as const;
const newtask = { type: 'tracing', attach: 'trace_raw_tp', to: 'btf_trace_task_newtask' } as const;
const task = 'r6 = *(u64 *)(r1 + 0)';
const unknown = 'call bpf_get_prandom_u32; r6 = r0';
const zero = (...offs: number[]) => offs.map((off) => `*(u64 *)(r10 - ${off}) = 0`).join('; ');
const dynptr = 'r1 = map_value(m, 0); r2 = 8; r3 = 0; r4 = r10; r4 += -16; call bpf_dynptr_from_mem';
const m = { m: {} } as const;
const obj = (type: string) => `r1 = type_id(${type}); r2 = 0; call bpf_obj_new_impl; if r0 == 0 goto out; r6 = r0`;
const drop = 'r1 = r6; r2 = 0; call bpf_obj_drop_impl; out: r0 = 0; exit';

/** One case for each message of calls that the others do not provoke. */
export const wordsCallCases: readonly VerifierCase[] = [
  { name: 'words: kfunc without GPL', license: 'X', asm: `call bpf_rcu_read_lock; call bpf_rcu_read_unlock; ${leave}` },
  { name: 'words: kfunc that is no function', asm: `.insn(0x85, 0, 2, 0, 1); ${leave}` },
  { name: 'words: kfunc of a negative module', asm: `.insn(0x85, 0, 2, -1, 1); ${leave}` },
  { name: 'words: kfunc of a module', asm: `.insn(0x85, 0, 2, 1, 1); ${leave}` },
  { name: 'words: helper that there is not', asm: `.insn(0x85, 0, 0, 0, 9999); ${leave}` },
  { name: 'words: helper of another type', type: 'xdp', asm: `call bpf_skb_load_bytes; ${leave}` },
  {
    name: 'words: helper without GPL',
    license: 'X',
    ...newtask,
    asm: `${zero(8)}; r1 = r10; r1 += -8; r2 = 8; r3 = 0; call bpf_probe_read_kernel; ${leave}`,
  },
  {
    name: 'words: get_func_ip outside a trampoline',
    ...newtask,
    asm: `call bpf_get_func_ip; ${leave}`,
  },
  {
    name: 'words: sockmap update of a type that must not',
    type: 'kprobe',
    maps: { s: { type: 'sockmap' } },
    asm: `${zero(8)}; r1 = map(s); r2 = r10; r2 += -8; r3 = r10; r3 += -8; r4 = 0; call bpf_map_update_elem; ${leave}`,
  },
  {
    name: 'words: sockmap delete of a type that must not',
    ...newtask,
    maps: { s: { type: 'sockmap' } },
    asm: `${zero(8)}; r1 = map(s); r2 = r10; r2 += -8; call bpf_map_delete_elem; ${leave}`,
  },
  {
    name: 'words: update of a map that programs only read',
    maps: { a: { flags: 1 << 7 } },
    asm: `${zero(8)}; r1 = map(a); r2 = r10; r2 += -8; r3 = r10; r3 += -8; r4 = 0; call bpf_map_update_elem; ${leave}`,
  },
  {
    name: 'words: tail call into an array',
    ...tc,
    maps: m,
    asm: `r2 = map(m); r3 = 0; call bpf_tail_call; ${leave}`,
  },
  {
    name: 'words: pointer to a helper that takes numbers',
    ...filter,
    caps: 'bpf',
    maps: { h: { type: 'hash', key: 8 } },
    asm: `${zero(8)}; r4 = r1; r1 = map(h); r2 = r10; r2 += -8; r3 = r10; r3 += -8; call bpf_map_update_elem; ${leave}`,
  },
  {
    name: 'words: packet to a helper that must not have it',
    type: 'cgroup_skb',
    maps: { h: { type: 'hash', key: 8 } },
    asm: `r2 = *(u32 *)(r1 + 76); r3 = *(u32 *)(r1 + 80); r4 = r2; r4 += 8; if r4 > r3 goto out; r1 = r2; r2 = 8; r3 = 0; r4 = r10;
      r4 += -8; call bpf_strtol; out: r0 = 0; exit`,
  },
  {
    name: 'words: key that may be NULL',
    maps: { h: { type: 'hash', key: 4, value: 4 } },
    asm: `${zero(8)}; r1 = map(h); r2 = r10; r2 += -8; call bpf_map_lookup_elem; r1 = map(h); r2 = r0; call bpf_map_lookup_elem; ${leave}`,
  },
  {
    name: 'words: task that may be NULL to a helper',
    sleepable: true,
    asm: `r1 = 1; call bpf_task_from_pid; r6 = r0; r1 = r0; call bpf_task_pt_regs; if r6 == 0 goto out; r1 = r6; call bpf_task_release;
      out: r0 = 0; exit`,
  },
  {
    name: 'words: format at no constant address',
    maps: { ro: { rodata: [65, 0, 0, 0, 0, 0, 0, 0] } },
    asm: `${zero(8)}; ${unknown}; r6 &= 3; r3 = map_value(ro, 0); r3 += r6; r1 = r10; r1 += -8; r2 = 8; r4 = 0; r5 = 0; call bpf_snprintf;
      ${leave}`,
  },
  {
    name: 'words: format in a hash',
    maps: { h: { type: 'hash', flags: 1 << 7 } },
    asm: `${zero(8, 16)}; r1 = map(h); r2 = r10; r2 += -8; call bpf_map_lookup_elem; if r0 == 0 goto out; r3 = r0; r1 = r10; r1 += -8;
      r2 = 8; r4 = 0; r5 = 0; call bpf_snprintf; out: r0 = 0; exit`,
  },
  {
    name: 'words: format without an end',
    maps: { ro: { rodata: [65, 65, 65, 65, 65, 65, 65, 65] } },
    asm: `${zero(8)}; r3 = map_value(ro, 0); r1 = r10; r1 += -8; r2 = 8; r4 = 0; r5 = 0; call bpf_snprintf; ${leave}`,
  },
  {
    name: 'words: number read into a map that programs only read',
    maps: { ro: { rodata: [65, 0, 0, 0, 0, 0, 0, 0] } },
    type: 'cgroup_sysctl',
    asm: `${zero(8)}; r1 = r10; r1 += -8; r2 = 8; r3 = 0; r4 = map_value(ro, 0); call bpf_strtol; ${leave}`,
  },
  {
    name: 'words: size without bounds',
    asm: `${unknown}; r6 <<= 20; r1 = r10; r1 += -8; r2 = r6; r3 = 0; call bpf_copy_from_user; ${leave}`,
  },
  {
    name: 'words: size without limit',
    maps: m,
    asm: `r6 = map_value(m, 0); r2 = *(u64 *)(r6 + 0); if r2 s< 1 goto out; r1 = r6; r3 = 0; call bpf_copy_from_user; out: r0 = 0; exit`,
  },
  {
    name: 'words: lock at no constant offset',
    ...tc,
    maps: { l: { of: 'lock' } },
    asm: `${unknown}; r6 &= 4; r1 = map_value(l, 0); r1 += r6; call bpf_spin_lock; ${leave}`,
  },
  {
    name: 'words: kptr at no constant offset',
    ...newtask,
    maps: { k: { of: 'kptr' } },
    asm: `${unknown}; r6 &= 8; r1 = map_value(k, 0); r1 += r6; r2 = 0; call bpf_kptr_xchg; ${leave}`,
  },
  {
    name: 'words: exchange where no kptr is',
    ...newtask,
    maps: { k: { of: 'kptr' } },
    asm: `r1 = map_value(k, 0); r2 = 0; call bpf_kptr_xchg; ${leave}`,
  },
  {
    name: 'words: exchange of an unreferenced kptr',
    ...newtask,
    maps: { k: { of: 'unref' } },
    asm: `r1 = map_value(k, 0); r2 = 0; call bpf_kptr_xchg; ${leave}`,
  },
  {
    name: 'words: two locks',
    ...tc,
    maps: { l: { of: 'lock' } },
    asm: `r1 = map_value(l, 0); call bpf_spin_lock; r1 = map_value(l, 0); call bpf_spin_lock; ${leave}`,
  },
  {
    name: 'words: ringbuf dynptr made over another',
    maps: { rb: { type: 'ringbuf', key: 0, value: 0, max: 4096 } },
    asm: `r1 = map(rb); r2 = 8; r3 = 0; r4 = r10; r4 += -16; call bpf_ringbuf_reserve_dynptr;
      r1 = map(rb); r2 = 8; r3 = 0; r4 = r10; r4 += -16; call bpf_ringbuf_reserve_dynptr; ${leave}`,
  },
  {
    name: 'words: dynptr of another type',
    maps: m,
    asm: `${dynptr}; r1 = r10; r1 += -16; r2 = 0; call bpf_ringbuf_submit_dynptr; ${leave}`,
  },
  {
    name: 'words: constant dynptr that a helper changes',
    maps: m,
    funcs: { g: { linkage: 'global', args: ['dynptr'] } },
    asm: `${dynptr}; r1 = r10; r1 += -16; call g; ${leave}; g: r4 = r1; r1 = 0; r2 = 0; r3 = 0; call bpf_dynptr_from_mem; ${leave}`,
  },
  {
    name: 'words: constant dynptr that is moved',
    maps: m,
    funcs: { g: { linkage: 'global', args: ['dynptr'] } },
    asm: `${dynptr}; r1 = r10; r1 += -16; call g; ${leave}; g: r2 = 0; r3 = 0; call bpf_dynptr_adjust; ${leave}`,
  },
  {
    name: 'words: iterator of css tasks in a tracepoint',
    ...newtask,
    asm: `r1 = r10; r1 += -16; r2 = 0; r3 = 0; call bpf_iter_css_task_new; ${leave}`,
  },
  {
    name: 'words: flag of a lock given back as one of interrupts',
    ...tc,
    maps: { l: { of: 'res_lock' } },
    asm: `r1 = map_value(l, 0); r2 = r10; r2 += -8; call bpf_res_spin_lock_irqsave; if r0 != 0 goto out; r1 = r10; r1 += -8;
      call bpf_local_irq_restore; out: r0 = 0; exit`,
  },
  {
    name: 'words: constant number of a kfunc unknown',
    asm: `${unknown}; r1 = r6; r2 = 0; call bpf_obj_new_impl; ${leave}`,
    funcs: {},
  },
  {
    name: 'words: type of local object too large',
    asm: `r1 = 0x100000000 ll; r2 = 0; call bpf_obj_new_impl; ${leave}`,
    funcs: {},
  },
  { name: 'words: local object without BTF', asm: `r1 = 1; r2 = 0; call bpf_obj_new_impl; ${leave}` },
  { name: 'words: local object of a number', asm: `r1 = 1; r2 = 0; call bpf_obj_new_impl; ${leave}`, funcs: {} },
  {
    name: 'words: per-CPU object with fields',
    funcs: {},
    asm: `r1 = type_id(node); r2 = 0; call bpf_percpu_obj_new_impl; ${leave}`,
  },
  {
    name: 'words: local object not owned',
    funcs: {},
    asm: `${obj('node')}; r7 = r6; r1 = r6; r2 = 0; call bpf_obj_drop_impl; r1 = r7; r2 = 0; call bpf_obj_drop_impl; out: r0 = 0; exit`,
  },
  {
    name: 'words: borrowed object dropped',
    ...tc,
    maps: { t: { of: 'tree' } },
    funcs: { less: { linkage: 'static', args: ['pointer', 'pointer'] } },
    asm: `${obj('node')}; r1 = map_value(t, 0); call bpf_spin_lock; r1 = map_value(t, 8); r2 = r6; r2 += 40; r3 = func(less); r4 = 0; r5 = 0;
      call bpf_rbtree_add_impl; r1 = r6; r2 = 0; call bpf_obj_drop_impl; out: r0 = 0; exit; less: r0 = 0; exit`,
  },
  {
    name: 'words: own object removed from a tree',
    funcs: {},
    ...tc,
    maps: { t: { of: 'tree' } },
    asm: `${obj('node')}; r1 = map_value(t, 0); call bpf_spin_lock; r1 = map_value(t, 8); r2 = r6; r2 += 40; call bpf_rbtree_remove; ${drop}`,
  },
  {
    name: 'words: node at another offset',
    ...tc,
    maps: { t: { of: 'tree' } },
    funcs: { less: { linkage: 'static', args: ['pointer', 'pointer'] } },
    asm: `${obj('node')}; r1 = map_value(t, 0); call bpf_spin_lock; r1 = map_value(t, 8); r2 = r6; r2 += 48; r3 = func(less); r4 = 0; r5 = 0;
      call bpf_rbtree_add_impl; out: r0 = 0; exit; less: r0 = 0; exit`,
  },
  {
    name: 'words: RCU lock in a callback of a tree',
    ...tc,
    maps: { t: { of: 'tree' } },
    funcs: { less: { linkage: 'static', args: ['pointer', 'pointer'] } },
    asm: `${obj('node')}; r1 = map_value(t, 0); call bpf_spin_lock; r1 = map_value(t, 8); r2 = r6; r2 += 40; r3 = func(less); r4 = 0; r5 = 0;
      call bpf_rbtree_add_impl; r1 = map_value(t, 0); call bpf_spin_unlock; out: r0 = 0; exit; less: call bpf_rcu_read_lock; call bpf_rcu_read_unlock; ${leave}`,
  },
  {
    name: 'words: callback that is no function',
    maps: { w: { of: 'wq' } },
    asm: `r1 = map_value(w, 0); r2 = 0; r3 = 0; r4 = 0; call bpf_wq_set_callback_impl; ${leave}`,
  },
  {
    name: 'words: callback that is another pointer',
    maps: { w: { of: 'wq' } },
    asm: `r1 = map_value(w, 0); r2 = r10; r3 = 0; r4 = 0; call bpf_wq_set_callback_impl; ${leave}`,
  },
  { name: 'words: string on the stack', asm: `${zero(8)}; r1 = r10; r1 += -8; r2 = r1; call bpf_strcmp; ${leave}` },
  {
    name: 'words: string that is no constant',
    ...tc,
    asm: `${zero(8)}; r2 = r10; r2 += -8; r3 = r2; r4 = 0; call bpf_get_file_xattr; ${leave}`,
  },
  {
    name: 'words: sleeping kfunc where none may sleep',
    ...newtask,
    asm: `${zero(8)}; r1 = r10; r1 += -8; r2 = 8; r3 = 0; r4 = 0; call bpf_copy_from_user_str; ${leave}`,
  },
  { name: 'words: RCU lock twice', asm: `call bpf_rcu_read_lock; call bpf_rcu_read_lock; ${leave}` },
  {
    name: 'words: buffer size of a kfunc unknown',
    asm: `${unknown}; r1 = r6; r2 = 0; call bpf_rdonly_cast; ${leave}`,
  },
  {
    name: 'words: global function with six arguments',
    funcs: { g: { linkage: 'global', args: ['int', 'int', 'int', 'int', 'int', 'int'] } },
    asm: `r1 = 0; r2 = 0; r3 = 0; r4 = 0; r5 = 0; call g; ${leave}; g: ${leave}`,
  },
  {
    name: 'words: global function with a tag it does not know',
    funcs: { g: { linkage: 'global', args: ['ctx', 'untrusted'] } },
    asm: `r2 = 0; call g; ${leave}; g: ${leave}`,
  },
  {
    name: 'words: untrusted pointer passed to a kfunc',
    ...newtask,
    asm: `${task}; r1 = r6; r1 += 8; call bpf_task_acquire; ${leave}`,
  },
  {
    name: 'words: dynptr that holds another',
    maps: m,
    asm: `${dynptr}; r1 = r10; r1 += -16; r2 = r10; r2 += -16; call bpf_dynptr_clone; ${leave}`,
  },
  {
    name: 'words: constant dynptr as the clone',
    maps: m,
    funcs: { g: { linkage: 'global', args: ['dynptr'] } },
    asm: `${dynptr}; r1 = r10; r1 += -16; call g; ${leave}; g: r2 = r1; call bpf_dynptr_clone; ${leave}`,
  },
  {
    name: 'words: packet dynptr to a ring buffer',
    ...tc,
    maps: { rb: { type: 'ringbuf', key: 0, value: 0, max: 4096 } },
    asm: `r2 = 0; r3 = r10; r3 += -16; call bpf_dynptr_from_skb; r1 = r10; r1 += -16; r2 = 0; call bpf_ringbuf_discard_dynptr; ${leave}`,
  },
  {
    name: 'words: interrupts given back by a lock',
    ...tc,
    maps: { l: { of: 'res_lock' } },
    asm: `r1 = r10; r1 += -8; call bpf_local_irq_save; r1 = map_value(l, 0); call bpf_res_spin_lock; if r0 != 0 goto out;
      r1 = map_value(l, 0); r2 = r10; r2 += -8; call bpf_res_spin_unlock_irqrestore; out: r1 = r10; r1 += -8; call bpf_local_irq_restore; ${leave}`,
  },
  {
    name: 'words: own object removed from a tree, held',
    ...tc,
    maps: { t: { of: 'tree' } },
    funcs: {},
    asm: `${obj('node')}; r1 = map_value(t, 0); call bpf_spin_lock; r1 = map_value(t, 8); r2 = r6; r2 += 40; call bpf_rbtree_remove; r7 = r0;
      r1 = map_value(t, 0); call bpf_spin_unlock; if r7 == 0 goto done; r1 = r7; r1 += -40; r2 = 0; call bpf_obj_drop_impl; done: ${drop}`,
  },
  {
    name: 'words: node of a list in a tree',
    ...tc,
    maps: { t: { of: 'tree' } },
    funcs: { less: { linkage: 'static', args: ['pointer', 'pointer'] } },
    asm: `${obj('node')}; r1 = map_value(t, 0); call bpf_spin_lock; r1 = map_value(t, 8); r2 = r6; r3 = func(less); r4 = 0; r5 = 0;
      call bpf_rbtree_add_impl; out: r0 = 0; exit; less: r0 = 0; exit`,
  },
  {
    name: 'words: list pushed a node of a tree',
    ...tc,
    maps: { l: { of: 'list' } },
    funcs: {},
    asm: `${obj('node')}; r1 = map_value(l, 0); call bpf_spin_lock; r1 = map_value(l, 8); r2 = r6; r2 += 40; r3 = 0; r4 = 0;
      call bpf_list_push_front_impl; out: r0 = 0; exit`,
  },
  {
    name: 'words: list pushed a borrowed object',
    ...tc,
    maps: { l: { of: 'list' } },
    funcs: {},
    asm: `${obj('node')}; r1 = map_value(l, 0); call bpf_spin_lock; r1 = map_value(l, 8); r2 = r6; r3 = 0; r4 = 0; call bpf_list_push_front_impl;
      r1 = map_value(l, 8); r2 = r6; r3 = 0; r4 = 0; call bpf_list_push_front_impl; out: r0 = 0; exit`,
  },
  {
    name: 'words: per-CPU object with a kptr',
    funcs: {},
    asm: `r1 = type_id(holder); r2 = 0; call bpf_percpu_obj_new_impl; ${leave}`,
  },
  {
    name: 'words: mask given where a task is wanted',
    asm: `call bpf_cpumask_create; if r0 == 0 goto out; r6 = r0; r1 = r0; call bpf_task_release; out: r0 = 0; exit`,
  },
  {
    name: 'words: map value given where a task is wanted',
    maps: m,
    asm: `r1 = map_value(m, 0); call bpf_task_release; ${leave}`,
  },
  {
    name: 'words: map pointer that may be NULL to a helper',
    maps: { o: { type: 'hash_of_maps', value: 4, inner: { value: 8 } } },
    asm: `${zero(8)}; r1 = map(o); r2 = r10; r2 += -8; call bpf_map_lookup_elem; r1 = r0; r2 = r10; r2 += -8; call bpf_map_lookup_elem; ${leave}`,
  },
  {
    name: 'words: two references as key and value',
    maps: { h: { type: 'hash', key: 8 }, rb: { type: 'ringbuf', key: 0, value: 0, max: 4096 } },
    asm: `r1 = map(rb); r2 = 8; r3 = 0; call bpf_ringbuf_reserve; if r0 == 0 goto out; r6 = r0; r1 = map(rb); r2 = 8; r3 = 0; call bpf_ringbuf_reserve;
      if r0 == 0 goto one; r7 = r0; *(u64 *)(r6 + 0) = 0; *(u64 *)(r7 + 0) = 0; r1 = map(h); r2 = r6; r3 = r7; r4 = 0; call bpf_map_update_elem; one: r1 = r6; r2 = 0; call bpf_ringbuf_discard; out: r0 = 0; exit`,
  },
  {
    name: 'words: key of a callback written by a helper',
    maps: { h: { type: 'hash', key: 8 } },
    funcs: { f: 'static' },
    asm: `r1 = map(h); r2 = func(f); r3 = 0; r4 = 0; call bpf_for_each_map_elem; ${leave}; f: r1 = r2; r2 = 8; call bpf_get_current_comm; ${leave}`,
  },
  {
    name: 'words: interrupts given back by a lock that saved others',
    ...tc,
    maps: { l: { of: 'res_lock' } },
    asm: `r1 = r10; r1 += -8; call bpf_local_irq_save; r1 = map_value(l, 0); r2 = r10; r2 += -16; call bpf_res_spin_lock_irqsave; if r0 != 0 goto out;
      r1 = map_value(l, 0); r2 = r10; r2 += -8; call bpf_res_spin_unlock_irqrestore; out: r1 = r10; r1 += -8; call bpf_local_irq_restore; ${leave}`,
  },
  {
    name: 'words: per-CPU object too large',
    funcs: {},
    asm: `r1 = type_id(big); r2 = 0; call bpf_percpu_obj_new_impl; ${leave}`,
  },
  ...(['ctx_nonnull', 'ctx_task', 'tagged_int', 'odd', 'arena', 'untrusted'] as const).map(
    (arg): VerifierCase => ({
      name: `words: global function that takes ${arg}`,
      ...tc,
      funcs: { g: { linkage: 'global', args: [arg] } },
      asm: `call g; ${leave}; g: ${leave}`,
    }),
  ),
  {
    name: 'words: context of a raw tracepoint as a task',
    type: 'raw_tracepoint',
    funcs: { g: { linkage: 'global', args: ['ctx_task'] } },
    asm: `call g; ${leave}; g: ${leave}`,
  },
  {
    name: 'words: atomic on the stack, somewhere',
    asm: `${zero(8, 16)}; ${unknown}; r6 &= 8; r1 = r10; r1 += -16; r1 += r6; r2 = 1; lock *(u64 *)(r1 + 0) += r2; ${leave}`,
  },
  {
    name: 'words: atomic on a spilled pointer, unprivileged',
    ...filter,
    caps: 'bpf',
    asm: `*(u64 *)(r10 - 8) = r1; r2 = 1; lock *(u64 *)(r10 - 8) += r2; ${leave}`,
  },
  {
    name: 'words: arena with CAP_BPF alone',
    caps: 'bpf',
    maps: { a: { type: 'arena', key: 0, value: 0, flags: 1 << 10, extra: 1n << 44n } },
    asm: `r1 = map(a); ${leave}`,
  },
  {
    name: 'words: task storage of a task that may be NULL',
    type: 'tracing',
    attach: 'trace_iter',
    to: 'bpf_iter_task',
    maps: { s: { type: 'task_storage', flags: 1, max: 0, of: 'kptr' } },
    asm: `r2 = *(u64 *)(r1 + 8); r1 = map(s); r3 = 0; r4 = 0; call bpf_task_storage_get; ${leave}`,
  },
  {
    name: 'words: task of an iterator that may be NULL to a helper',
    type: 'tracing',
    attach: 'trace_iter',
    to: 'bpf_iter_task',
    asm: `r1 = *(u64 *)(r1 + 8); call bpf_task_pt_regs; ${leave}`,
  },
];
