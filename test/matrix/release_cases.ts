/** Programs for rules of releases that neither the corpus nor the verifier's cases show. */
import type { VerifierCase } from '../verifier/case.ts';

export const releaseCases: readonly VerifierCase[] = [
  {
    name: 'a packet load with a reference held',
    type: 'socket_filter',
    maps: { rb: { type: 'ringbuf', key: 0, value: 0, max: 4096 } },
    asm: `
      r6 = r1
      r1 = map(rb)
      r2 = 8
      r3 = 0
      call bpf_ringbuf_reserve
      if r0 == 0 goto out
      .insn(0x20, 0, 0, 0, 0)
    out:
      r0 = 0
      exit`,
  },
  {
    name: 'an iterator under a lock',
    type: 'sched_cls',
    maps: { l: { of: 'lock' } },
    asm: `
      r6 = map_value(l, 0)
      r1 = r6
      call bpf_spin_lock
      r1 = r10
      r1 += -8
      r2 = 0
      r3 = 4
      call bpf_iter_num_new
      r1 = r10
      r1 += -8
      call bpf_iter_num_destroy
      r1 = r6
      call bpf_spin_unlock
      r0 = 0
      exit`,
  },
  {
    name: 'a load with acquire semantics',
    maps: { m: {} },
    asm: `
      r1 = map_value(m, 0)
      r0 = load_acquire((u64 *)(r1 + 0))
      r0 = 0
      exit`,
  },
  {
    name: 'a literal NULL for a nonnull argument',
    funcs: { take: { linkage: 'global', args: ['nonnull'] } },
    asm: `
      r1 = 0
      call take
      r0 = 0
      exit
    take:
      r0 = 0
      exit`,
  },
  {
    name: 'an object given back as a per-CPU one',
    asm: `
      r1 = type_id(leaf)
      r2 = 0
      call bpf_obj_new_impl
      if r0 == 0 goto out
      r1 = r0
      r2 = 0
      call bpf_percpu_obj_drop_impl
    out:
      r0 = 0
      exit`,
  },
  {
    name: 'a number for a callback',
    type: 'sched_cls',
    maps: { t: { of: 'tree' } },
    asm: `
      r1 = type_id(node)
      r2 = 0
      call bpf_obj_new_impl
      if r0 == 0 goto out
      r7 = r0
      r6 = map_value(t, 0)
      r1 = r6
      call bpf_spin_lock
      r1 = r6
      r1 += 8
      r2 = r7
      r2 += 40
      r3 = 5
      r4 = 0
      r5 = 40
      call bpf_rbtree_add_impl
      r1 = r6
      call bpf_spin_unlock
    out:
      r0 = 0
      exit`,
  },
  {
    name: 'a format on the stack',
    asm: `
      *(u64 *)(r10 - 8) = 0
      r1 = 1
      r2 = r10
      r2 += -8
      r3 = r10
      r3 += -8
      r4 = 8
      call bpf_stream_vprintk
      r0 = 0
      exit`,
  },
];
