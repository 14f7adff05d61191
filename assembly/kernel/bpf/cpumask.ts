// kernel/bpf/cpumask.c: struct bpf_cpumask { cpumask_t cpumask; refcount_t usage; } and its kfuncs, under the kernel's names.
// The rows are in src/kernel/bpf/kfuncs/cpumask.ts.
import {
  ALLOC_BPF_CPUMASK,
  FAIL_CREATE,
  M_BPF_CPUMASK_SIZE,
  M_BPF_CPUMASK_USAGE,
  M_CPUMASK_MA,
} from '../../layout';
import {
  bitmap_copy,
  bitmap_zero,
  bits_to_longs,
  clear_bit,
  set_bit,
  test_and_clear_bit,
  test_and_set_bit,
  test_bit,
} from '../../lib/bitmap';
import {
  cpumask_and,
  cpumask_any_and_distribute,
  cpumask_any_distribute,
  cpumask_clear,
  cpumask_copy,
  cpumask_empty,
  cpumask_equal,
  cpumask_first,
  cpumask_first_and,
  cpumask_first_zero,
  cpumask_full,
  cpumask_intersects,
  cpumask_or,
  cpumask_setall,
  cpumask_subset,
  cpumask_weight,
  cpumask_xor,
  nr_cpu_ids,
} from '../../lib/cpumask';
import { should_fail } from '../../lib/fault_inject';
import { refcount_dec_and_test, refcount_inc, refcount_inc_not_zero, refcount_set } from '../../lib/refcount';
import { migrate_disable, migrate_enable } from '../rcu/read_side';
import { rcu_read_lock, rcu_read_unlock } from '../rcu/tree';
import { bpf_mem_alloc_init, bpf_mem_cache_alloc, bpf_mem_cache_free_rcu } from './memalloc';

const EACCES: i32 = 13;

// @ts-ignore: decorator
@inline
function cpu_valid(cpu: u32): bool {
  return cpu < nr_cpu_ids();
}

// @ts-ignore: decorator
@inline
function usage(cpumask: usize): usize {
  return cpumask + load<u32>(M_BPF_CPUMASK_USAGE);
}

/** Sets up the allocator of masks; once per machine. */
export function cpumask_kfunc_init(): bool {
  const ma = bpf_mem_alloc_init(load<u32>(M_BPF_CPUMASK_SIZE), ALLOC_BPF_CPUMASK);
  store<u32>(M_CPUMASK_MA, <u32>ma);
  return ma != 0;
}

export function bpf_cpumask_create(): usize {
  if (should_fail(FAIL_CREATE)) return 0;
  const cpumask = bpf_mem_cache_alloc(load<u32>(M_CPUMASK_MA));
  if (!cpumask) return 0;
  bitmap_zero(cpumask, load<u32>(M_BPF_CPUMASK_SIZE) << 3);
  refcount_set(usage(cpumask), 1);
  return cpumask;
}

export function bpf_cpumask_acquire(cpumask: usize): usize {
  refcount_inc(usage(cpumask));
  return cpumask;
}

export function bpf_cpumask_release(cpumask: usize): void {
  if (!refcount_dec_and_test(usage(cpumask))) return;
  migrate_disable();
  bpf_mem_cache_free_rcu(load<u32>(M_CPUMASK_MA), cpumask);
  migrate_enable();
}

export function bpf_cpumask_release_dtor(cpumask: usize): void {
  bpf_cpumask_release(cpumask);
}

export function bpf_cpumask_first(cpumask: usize): u32 {
  return cpumask_first(cpumask);
}

export function bpf_cpumask_first_zero(cpumask: usize): u32 {
  return cpumask_first_zero(cpumask);
}

export function bpf_cpumask_first_and(src1: usize, src2: usize): u32 {
  return cpumask_first_and(src1, src2);
}

export function bpf_cpumask_set_cpu(cpu: u32, cpumask: usize): void {
  if (cpu_valid(cpu)) set_bit(cpu, cpumask);
}

export function bpf_cpumask_clear_cpu(cpu: u32, cpumask: usize): void {
  if (cpu_valid(cpu)) clear_bit(cpu, cpumask);
}

export function bpf_cpumask_test_cpu(cpu: u32, cpumask: usize): bool {
  return cpu_valid(cpu) ? test_bit(cpu, cpumask) : false;
}

export function bpf_cpumask_test_and_set_cpu(cpu: u32, cpumask: usize): bool {
  return cpu_valid(cpu) ? test_and_set_bit(cpu, cpumask) : false;
}

export function bpf_cpumask_test_and_clear_cpu(cpu: u32, cpumask: usize): bool {
  return cpu_valid(cpu) ? test_and_clear_bit(cpu, cpumask) : false;
}

export function bpf_cpumask_setall(cpumask: usize): void {
  cpumask_setall(cpumask);
}

export function bpf_cpumask_clear(cpumask: usize): void {
  cpumask_clear(cpumask);
}

export function bpf_cpumask_and(dst: usize, src1: usize, src2: usize): bool {
  return cpumask_and(dst, src1, src2);
}

export function bpf_cpumask_or(dst: usize, src1: usize, src2: usize): void {
  cpumask_or(dst, src1, src2);
}

export function bpf_cpumask_xor(dst: usize, src1: usize, src2: usize): void {
  cpumask_xor(dst, src1, src2);
}

export function bpf_cpumask_equal(src1: usize, src2: usize): bool {
  return cpumask_equal(src1, src2);
}

export function bpf_cpumask_intersects(src1: usize, src2: usize): bool {
  return cpumask_intersects(src1, src2);
}

export function bpf_cpumask_subset(src1: usize, src2: usize): bool {
  return cpumask_subset(src1, src2);
}

export function bpf_cpumask_empty(cpumask: usize): bool {
  return cpumask_empty(cpumask);
}

export function bpf_cpumask_full(cpumask: usize): bool {
  return cpumask_full(cpumask);
}

export function bpf_cpumask_copy(dst: usize, src: usize): void {
  cpumask_copy(dst, src);
}

export function bpf_cpumask_any_distribute(cpumask: usize): u32 {
  return cpumask_any_distribute(cpumask);
}

export function bpf_cpumask_any_and_distribute(src1: usize, src2: usize): u32 {
  return cpumask_any_and_distribute(src1, src2);
}

/** 6.3: a reference to the mask that the kptr at `cpumaskp` points to; 0 when there is none or it is being freed. */
export function bpf_cpumask_kptr_get(cpumaskp: usize): usize {
  rcu_read_lock();
  // Addresses are 64 bits wide in memory; the lower half is the offset.
  let cpumask: usize = atomic.load<u32>(cpumaskp);
  if (cpumask && !refcount_inc_not_zero(usage(cpumask))) cpumask = 0;
  rcu_read_unlock();
  return cpumask;
}

/** 6.3 and 6.4: the first CPU of the mask; the name promises less than that. */
export function bpf_cpumask_any(cpumask: usize): u32 {
  return cpumask_first(cpumask);
}

export function bpf_cpumask_any_and(src1: usize, src2: usize): u32 {
  return cpumask_first_and(src1, src2);
}

export function bpf_cpumask_weight(cpumask: usize): u32 {
  return cpumask_weight(cpumask);
}

/** Copies whole words from memory of any alignment: x86 needs none. */
export function bpf_cpumask_populate(cpumask: usize, src: usize, src__sz: u64): i32 {
  const bits = nr_cpu_ids();
  if (src__sz < <u64>(bits_to_longs(bits) << 3)) return -EACCES;
  bitmap_copy(cpumask, src, bits);
  return 0;
}
