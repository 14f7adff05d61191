/** Messages of releases other than 6.18: what a kernel of the release would say, as its source has it. */
import type { DocumentedCase } from './documented.ts';

const leave = 'r0 = 0; exit';
const tc = { type: 'sched_cls' } as const;
const throws = 'r1 = 0; call bpf_throw; r0 = 0; exit';
const loop = 'r1 = 3; r2 = func(f); r3 = r10; r3 += -8; r4 = 0; call bpf_loop';

export const releaseWordCases: readonly DocumentedCase[] = [
  {
    name: 'release: global function called without preemption',
    release: '6.12',
    ...tc,
    funcs: { g: 'global' },
    asm: `r6 = r1; call bpf_preempt_disable; r1 = r6; call g; call bpf_preempt_enable; ${leave}; g: ${leave}`,
    says: 'EINVAL use static function instead',
    logs: 'global function calls are not allowed with preemption disabled,',
    source: 'check_func_call',
  },
  {
    name: 'release: global function that sleeps, in an RCU section',
    release: '7.2',
    funcs: { g: 'global' },
    asm: `r6 = r1; call bpf_rcu_read_lock; r1 = r6; call g; call bpf_rcu_read_unlock; ${leave};
      g: *(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8; r2 = 8; r3 = 0; call bpf_copy_from_user; ${leave}`,
    says: 'EINVAL sleepable global function g() called in rcu_read_lock region',
    source: 'check_func_call',
  },
  {
    name: 'release: exit with a lock',
    release: '6.12',
    ...tc,
    maps: { l: { of: 'lock' } },
    asm: `r1 = map_value(l, 0); call bpf_spin_lock; ${leave}`,
    says: 'EINVAL bpf_spin_unlock is missing',
    source: 'do_check',
  },
  {
    name: 'release: exception in an RCU section',
    release: '6.12',
    ...tc,
    asm: `call bpf_rcu_read_lock; ${throws}`,
    says: 'EINVAL bpf_throw cannot be used inside bpf_rcu_read_lock-ed region',
    source: 'check_kfunc_call',
  },
  {
    name: 'release: exception without preemption',
    release: '6.12',
    ...tc,
    asm: `call bpf_preempt_disable; ${throws}`,
    says: 'EINVAL bpf_throw cannot be used inside bpf_preempt_disable-ed region',
    source: 'check_kfunc_call',
  },
  {
    name: 'release: exit without preemption',
    release: '6.12',
    ...tc,
    asm: `call bpf_preempt_disable; ${leave}`,
    says: 'EINVAL 1 bpf_preempt_enable is missing',
    source: 'do_check',
  },
  {
    name: 'release: mask released that is not held',
    release: '7.2',
    maps: { k: { of: 'kptr' } },
    asm: `*(u64 *)(r10 - 8) = 0; r1 = map(k); r2 = r10; r2 += -8; call bpf_map_lookup_elem; if r0 == 0 goto out; r6 = r0; call bpf_rcu_read_lock;
      r1 = *(u64 *)(r6 + 8); if r1 == 0 goto none; call bpf_cpumask_release; none: call bpf_rcu_read_unlock; out: ${leave}`,
    says: 'EINVAL release kfunc bpf_cpumask_release expects referenced PTR_TO_BTF_ID passed to R1',
    source: 'check_kfunc_args',
  },
  {
    name: 'release: cast to a number',
    release: '6.12',
    ...tc,
    asm: `r1 = 0; r2 = 1; call bpf_rdonly_cast; ${leave}`,
    says: 'EINVAL kfunc bpf_rdonly_cast type ID argument must be of a struct',
    source: 'check_kfunc_call',
  },
  {
    name: 'release: socket of the caller released by a callback',
    release: '6.12',
    ...tc,
    funcs: { f: 'static' },
    asm: `r6 = r1; *(u64 *)(r10 - 24) = 0; *(u64 *)(r10 - 16) = 0; r2 = r10; r2 += -24; r3 = 12; r4 = 0; r5 = 0; call bpf_sk_lookup_tcp;
      if r0 == 0 goto out; *(u64 *)(r10 - 8) = r0; ${loop}; r1 = *(u64 *)(r10 - 8); call bpf_sk_release; out: ${leave};
      f: r1 = *(u64 *)(r2 + 0); call bpf_sk_release; r0 = 1; exit`,
    says: 'EINVAL func bpf_sk_release#86 reference has not been acquired before',
    source: 'check_helper_call',
  },
  {
    name: 'release: mask of the caller released by a callback',
    release: '6.12',
    funcs: { f: 'static' },
    asm: `call bpf_cpumask_create; if r0 == 0 goto out; *(u64 *)(r10 - 8) = r0; ${loop}; r1 = *(u64 *)(r10 - 8); call bpf_cpumask_release; out: ${leave};
      f: r1 = *(u64 *)(r2 + 0); call bpf_cpumask_release; r0 = 1; exit`,
    says: 'EINVAL kfunc bpf_cpumask_release#ID reference has not been acquired before',
    source: 'check_kfunc_call',
  },
];
