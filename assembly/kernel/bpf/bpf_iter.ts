// Open-coded iterators over numbers and over the bits of a memory range.
import { ALLOC_BUFFER, FAIL_ITER } from '../../layout';
import { should_fail } from '../../lib/fault_inject';
import { kfree, kmalloc } from '../../mm/slab';
import { E2BIG, EFAULT, EINVAL, ENOMEM } from '../errno';
import { copy_from_kernel_nofault } from './probe';

const BPF_MAX_LOOPS: i64 = 8 * 1024 * 1024;

/** struct bpf_iter_num: s32 current, s32 end. Starts one before `start`; next gives the address of current. */
export function bpf_iter_num_new(it: usize, start: i32, end: i32): i32 {
  store<u64>(it, 0);
  if (start > end) return -EINVAL;
  if (<i64>end - <i64>start > BPF_MAX_LOOPS) return -E2BIG;
  store<i32>(it, start - 1);
  store<i32>(it, end, 4);
  return 0;
}

export function bpf_iter_num_next(it: usize): usize {
  const next = <i64>load<i32>(it) + 1;
  if (next >= <i64>load<i32>(it, 4)) {
    store<u64>(it, 0);
    return 0;
  }
  store<i32>(it, <i32>next);
  return it;
}

export function bpf_iter_num_destroy(it: usize): void {
  store<u64>(it, 0);
}

/** struct bpf_iter_bits: the word itself or the address of a copy of the words, s32 bits, s32 current. */
const BITS: usize = 0;
const NR_BITS: usize = 8;
const BIT: usize = 12;
const MAX_WORDS: u32 = 511;

export function bpf_iter_bits_new(it: usize, unsafe_ptr: u64, nr_words: u32): i32 {
  store<u64>(it, 0);
  store<u32>(it, 0, NR_BITS);
  store<i32>(it, -1, BIT);
  if (!unsafe_ptr || !nr_words) return -EINVAL;
  if (nr_words > MAX_WORDS) return -E2BIG;
  if (nr_words == 1) {
    if (copy_from_kernel_nofault(it, unsafe_ptr, 8)) return -EFAULT;
  } else {
    const words = should_fail(FAIL_ITER) ? 0 : kmalloc(<usize>nr_words << 3, ALLOC_BUFFER);
    if (!words) return -ENOMEM;
    if (copy_from_kernel_nofault(words, unsafe_ptr, nr_words << 3)) {
      kfree(words);
      return -EFAULT;
    }
    store<u32>(it, <u32>words);
  }
  store<u32>(it, nr_words << 6, NR_BITS);
  return 0;
}

/** Address of the number of the next set bit; 0 when there is none. */
export function bpf_iter_bits_next(it: usize): usize {
  const nr = load<i32>(it, NR_BITS);
  if (!nr || load<i32>(it, BIT) >= nr) return 0;
  const bits: usize = nr == 64 ? it + BITS : <usize>load<u32>(it);
  let bit = load<i32>(it, BIT) + 1;
  while (bit < nr) {
    const word = load<u64>(bits + ((<usize>bit >> 6) << 3)) >> <u64>(bit & 63);
    if (word) {
      bit += <i32>ctz(word);
      store<i32>(it, bit, BIT);
      return it + BIT;
    }
    bit = (bit | 63) + 1;
  }
  store<i32>(it, nr, BIT);
  return 0;
}

export function bpf_iter_bits_destroy(it: usize): void {
  if (load<i32>(it, NR_BITS) > 64) kfree(load<u32>(it));
  store<u32>(it, 0, NR_BITS);
}
