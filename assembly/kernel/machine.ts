// What a machine starts with, once its struct machine and per-CPU areas are there.
import { ALLOC_BPF_OBJ, M_GLOBAL_MA } from '../layout';
import { cpumask_kfunc_init } from './bpf/cpumask';
import { bpf_mem_alloc_init } from './bpf/memalloc';
import { rcu_init } from './rcu/tree';

/** False when memory is out. */
export function machine_init(): bool {
  rcu_init();
  const global = bpf_mem_alloc_init(0, ALLOC_BPF_OBJ);
  store<u32>(M_GLOBAL_MA, <u32>global);
  return cpumask_kfunc_init() && global != 0;
}
