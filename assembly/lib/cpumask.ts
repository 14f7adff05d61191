// struct cpumask: include/linux/cpumask.h and lib/cpumask.c. Which of the three lengths an operation looks at is the kernel's
// choice and shows: nr_cpu_ids (CPUs of this boot), small_cpumask_bits and large_cpumask_bits (layout.ts).
import {
  FEATURE_DISTRIBUTE_NR_CPU_IDS,
  M_FEATURES,
  M_LARGE_CPUMASK_BITS,
  M_NR_CPU_IDS,
  M_NR_CPUS,
  M_SMALL_CPUMASK_BITS,
  PC_DISTRIBUTE_PREV,
} from '../layout';
import { this_cpu } from '../kernel/gs';
import {
  bitmap_and,
  bitmap_copy,
  bitmap_equal,
  bitmap_fill,
  bitmap_intersects,
  bitmap_last_word_mask,
  bitmap_or,
  bitmap_subset,
  bitmap_weight,
  bitmap_xor,
  bitmap_zero,
} from './bitmap';
import {
  find_first_and_bit,
  find_first_bit,
  find_first_zero_bit,
  find_next_and_bit_wrap,
  find_next_bit,
  find_next_bit_wrap,
} from './find_bit';

// @ts-ignore: decorator
@inline
export function nr_cpu_ids(): u32 {
  return load<u32>(M_NR_CPU_IDS);
}

// @ts-ignore: decorator
@inline
export function small_cpumask_bits(): u32 {
  return load<u32>(M_SMALL_CPUMASK_BITS);
}

// @ts-ignore: decorator
@inline
export function large_cpumask_bits(): u32 {
  return load<u32>(M_LARGE_CPUMASK_BITS);
}

export function cpumask_first(mask: usize): u32 {
  return find_first_bit(mask, small_cpumask_bits());
}

export function cpumask_first_zero(mask: usize): u32 {
  return find_first_zero_bit(mask, small_cpumask_bits());
}

export function cpumask_first_and(a: usize, b: usize): u32 {
  return find_first_and_bit(a, b, small_cpumask_bits());
}

/** Next CPU after `cpu` (-1: the first). */
export function cpumask_next(cpu: i32, mask: usize): u32 {
  return find_next_bit(mask, small_cpumask_bits(), cpu + 1);
}

export function cpumask_setall(dst: usize): void {
  // One word of compile-time length gets exactly nr_cpu_ids bits; longer masks get whole words.
  if (load<u32>(M_NR_CPUS) <= 64) store<u64>(dst, bitmap_last_word_mask(nr_cpu_ids()));
  else bitmap_fill(dst, nr_cpu_ids());
}

export function cpumask_clear(dst: usize): void {
  bitmap_zero(dst, large_cpumask_bits());
}

export function cpumask_copy(dst: usize, src: usize): void {
  bitmap_copy(dst, src, large_cpumask_bits());
}

export function cpumask_and(dst: usize, a: usize, b: usize): bool {
  return bitmap_and(dst, a, b, small_cpumask_bits());
}

export function cpumask_or(dst: usize, a: usize, b: usize): void {
  bitmap_or(dst, a, b, small_cpumask_bits());
}

export function cpumask_xor(dst: usize, a: usize, b: usize): void {
  bitmap_xor(dst, a, b, small_cpumask_bits());
}

export function cpumask_equal(a: usize, b: usize): bool {
  return bitmap_equal(a, b, small_cpumask_bits());
}

export function cpumask_intersects(a: usize, b: usize): bool {
  return bitmap_intersects(a, b, small_cpumask_bits());
}

export function cpumask_subset(a: usize, b: usize): bool {
  return bitmap_subset(a, b, small_cpumask_bits());
}

export function cpumask_empty(mask: usize): bool {
  const bits = small_cpumask_bits();
  return find_first_bit(mask, bits) == bits;
}

export function cpumask_full(mask: usize): bool {
  const bits = nr_cpu_ids();
  return find_first_zero_bit(mask, bits) == bits;
}

export function cpumask_weight(mask: usize): u32 {
  return bitmap_weight(mask, small_cpumask_bits());
}

// Where the distributing searches end; releases differ, which shows when NR_CPUS <= 64.
// @ts-ignore: decorator
@inline
function distribute_bits(): u32 {
  return load<u32>(M_FEATURES) & FEATURE_DISTRIBUTE_NR_CPU_IDS ? nr_cpu_ids() : small_cpumask_bits();
}

// Remembers what was found, so that the next search on this CPU goes on behind it.
// @ts-ignore: decorator
@inline
function distribute(next: u32): u32 {
  if (next < nr_cpu_ids()) store<u32>(this_cpu(), next, PC_DISTRIBUTE_PREV);
  return next;
}

export function cpumask_any_distribute(mask: usize): u32 {
  const prev = load<u32>(this_cpu(), PC_DISTRIBUTE_PREV);
  return distribute(find_next_bit_wrap(mask, distribute_bits(), prev + 1));
}

export function cpumask_any_and_distribute(a: usize, b: usize): u32 {
  const prev = load<u32>(this_cpu(), PC_DISTRIBUTE_PREV);
  return distribute(find_next_and_bit_wrap(a, b, distribute_bits(), prev + 1));
}
